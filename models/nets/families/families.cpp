// Finds the family of a config.json.
#include "models/nets/families/families.hpp"

#include "models/nets/families/readers.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <vector>

namespace model_server {

namespace {

constexpr family all_families[] = {
#define MODEL_SERVER_FAMILY(type, architecture, reader)                        \
  {type, architecture, reader},
#include "models/nets/families/families.def"
#undef MODEL_SERVER_FAMILY
};

// The first architecture that the file names, or else its type.
std::string name_of(const config_fields& config) {
  if (auto list = config.find("architectures");
      list != nullptr && list->IsArray() && list->Size() == 1
      && (*list)[0].IsString())
    return (*list)[0].GetString();
  return config.text("model_type").value_or("");
}

const family* find(const std::string& name) {
  for (auto& item : all_families)
    if (item.type == name || item.architecture == name)
      return &item;
  return nullptr;
}

// The architecture as the file says, or else what it was called in remote code.
const family* find(const config_fields& config) {
  auto name = name_of(config);
  if (auto found = find(name))
    return found;
  if (name == "RWForCausalLM")
    return find("falcon");
  // It had several names. A classifier, say, has the type of what it was made
  // from.
  auto type = config.text("model_type").value_or("");
  return type == "chatglm" ? find(type) : nullptr;
}

} // namespace

std::span<const family> families() {
  return all_families;
}

decoder_spec read_decoder_spec(const rapidjson::Value& config,
                               const std::string& where) {
  config_fields fields{config, where};
  auto found = find(fields);
  if (found == nullptr) {
    auto name = name_of(fields);
    std::vector<std::string_view> known;
    for (auto& item : all_families)
      known.push_back(item.architecture);
    throw std::runtime_error(fmt::format(
        "{}: the architecture is {}, which is not built in; these are: {}",
        where, name.empty() ? "not given" : "`" + name + "`",
        fmt::join(known, ", ")));
  }
  auto result = found->read(fields);
  result.family = found->type;
  return result;
}

decoder_spec read_decoder_spec(const std::filesystem::path& folder) {
  auto path = folder / "config.json";
  auto document = read_json_file(path);
  return read_decoder_spec(document, path.string());
}

} // namespace model_server
