// Turns the lines of entries.def into a table of factories.
#include "models/model_catalog.hpp"

#include "config/quote.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace model_server {

#define MODEL_ENTRY(name)                                                      \
  std::unique_ptr<model_entry> make_##name(const entry_spec&);
#define PARAMS_CHECK(name) void check_##name(const entry_params&);
#define MEMORY_ESTIMATE(name)                                                  \
  std::uint64_t estimate_##name(const entry_params&);
#include "models/entries.def"
#undef MODEL_ENTRY
#undef PARAMS_CHECK
#undef MEMORY_ESTIMATE

namespace {

template <class Function, std::size_t N>
Function
find_function(std::string_view name,
              const std::pair<std::string_view, Function> (&functions)[N]) {
  for (const auto& [entry, function] : functions)
    if (entry == name)
      return function;
  return nullptr;
}

params_check find_check(std::string_view name) {
  static const std::pair<std::string_view, params_check> checks[]{
#define MODEL_ENTRY(name)
#define PARAMS_CHECK(name) {#name, check_##name},
#define MEMORY_ESTIMATE(name)
#include "models/entries.def"
#undef MODEL_ENTRY
#undef PARAMS_CHECK
#undef MEMORY_ESTIMATE
  };
  return find_function(name, checks);
}

memory_estimate find_estimate(std::string_view name) {
  static const std::pair<std::string_view, memory_estimate> estimates[]{
#define MODEL_ENTRY(name)
#define PARAMS_CHECK(name)
#define MEMORY_ESTIMATE(name) {#name, estimate_##name},
#include "models/entries.def"
#undef MODEL_ENTRY
#undef PARAMS_CHECK
#undef MEMORY_ESTIMATE
  };
  return find_function(name, estimates);
}

const catalog_line& find_line(std::string_view name) {
  const auto& lines = model_catalog();
  auto found =
      std::find_if(lines.begin(), lines.end(),
                   [&](const catalog_line& line) { return line.name == name; });
  if (found == lines.end())
    throw std::runtime_error(fmt::format("there is no entry {}; known are {}",
                                         quote(name),
                                         fmt::join(entry_names(), ", ")));
  return *found;
}

// Params do not know whose they are.
template <class Action>
auto name_in_errors(std::string_view name, Action action) {
  try {
    return action();
  } catch (const config_error& problem) {
    throw config_error(fmt::format("entry {}: {}", name, problem.what()));
  }
}

} // namespace

const std::vector<catalog_line>& model_catalog() {
  static const std::vector<catalog_line> lines{
#define MODEL_ENTRY(name)                                                      \
  {#name, make_##name, find_check(#name), find_estimate(#name)},
#define PARAMS_CHECK(name)
#define MEMORY_ESTIMATE(name)
#include "models/entries.def"
#undef MODEL_ENTRY
#undef PARAMS_CHECK
#undef MEMORY_ESTIMATE
  };
  return lines;
}

std::vector<std::string> entry_names() {
  std::vector<std::string> result;
  for (const auto& line : model_catalog())
    result.emplace_back(line.name);
  return result;
}

std::unique_ptr<model_entry> make_entry(std::string_view name,
                                        const entry_spec& spec) {
  const auto& line = find_line(name);
  return name_in_errors(name, [&] { return line.make(spec); });
}

void check_params(std::string_view name, const entry_params& params) {
  const auto& line = find_line(name);
  if (line.check != nullptr)
    name_in_errors(name, [&] { line.check(params); });
}

std::uint64_t estimate_memory(std::string_view name,
                              const entry_params& params) {
  const auto& line = find_line(name);
  if (line.estimate == nullptr)
    return 0;
  try {
    return line.estimate(params);
  } catch (const config_error&) {
    return 0; // loading says it better
  }
}

} // namespace model_server
