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
#include "models/entries.def"
#undef MODEL_ENTRY
#undef PARAMS_CHECK

namespace {

params_check find_check(std::string_view name) {
  static const std::pair<std::string_view, params_check> checks[]{
#define MODEL_ENTRY(name)
#define PARAMS_CHECK(name) {#name, check_##name},
#include "models/entries.def"
#undef MODEL_ENTRY
#undef PARAMS_CHECK
  };
  for (const auto& [entry, check] : checks)
    if (entry == name)
      return check;
  return nullptr;
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
#define MODEL_ENTRY(name) {#name, make_##name, find_check(#name)},
#define PARAMS_CHECK(name)
#include "models/entries.def"
#undef MODEL_ENTRY
#undef PARAMS_CHECK
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

} // namespace model_server
