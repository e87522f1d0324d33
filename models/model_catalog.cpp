// Turns the lines of entries.def into a table of factories.
#include "models/model_catalog.hpp"

#include "config/quote.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace model_server {

#define MODEL_ENTRY(name)                                                      \
  std::unique_ptr<model_entry> make_##name(const entry_spec&);
#include "models/entries.def"
#undef MODEL_ENTRY

namespace {

const catalog_line* find_line(std::string_view name) {
  const auto& lines = model_catalog();
  auto found =
      std::find_if(lines.begin(), lines.end(),
                   [&](const catalog_line& line) { return line.name == name; });
  return found == lines.end() ? nullptr : &*found;
}

std::string unknown(std::string_view name) {
  return fmt::format("there is no entry {}; known are {}", quote(name),
                     fmt::join(entry_names(), ", "));
}

} // namespace

const std::vector<catalog_line>& model_catalog() {
  static const std::vector<catalog_line> lines{
#define MODEL_ENTRY(name) {#name, make_##name},
#include "models/entries.def"
#undef MODEL_ENTRY
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
  const auto* line = find_line(name);
  if (line == nullptr)
    throw std::runtime_error(unknown(name));
  try {
    return line->make(spec);
  } catch (const config_error& problem) {
    // Params do not know whose they are.
    throw config_error(fmt::format("entry {}: {}", name, problem.what()));
  }
}

void require_entry(std::string_view name) {
  if (find_line(name) == nullptr)
    throw config_error(unknown(name));
}

} // namespace model_server
