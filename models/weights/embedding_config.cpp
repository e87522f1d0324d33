// Reads the modules of sentence-transformers.
#include "models/weights/embedding_config.hpp"

#include "models/text/json_document.hpp"
#include "models/text/json_node.hpp"
#include "models/weights/json_file.hpp"

#include <fmt/format.h>

#include <array>
#include <stdexcept>
#include <utility>
#include <vector>

namespace model_server {

namespace fs = std::filesystem;

namespace {

constexpr std::array<std::pair<pooling, std::string_view>, 3> names{
    {{pooling::mean, "mean"}, {pooling::cls, "cls"}, {pooling::last, "last"}}};

// Older files have a flag for each kind, newer ones a name.
struct pooling_key {
  const char* flag;
  const char* name;
  std::optional<pooling> kind;
};

constexpr std::array<pooling_key, 6> pooling_keys{
    {{"pooling_mode_mean_tokens", "mean", pooling::mean},
     {"pooling_mode_cls_token", "cls", pooling::cls},
     {"pooling_mode_lasttoken", "lasttoken", pooling::last},
     {"pooling_mode_max_tokens", "max", std::nullopt},
     {"pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens",
      std::nullopt},
     {"pooling_mode_weightedmean_tokens", "weightedmean", std::nullopt}}};

constexpr auto built_in = "only one of mean, cls and lasttoken is built in";

pooling read_pooling(const fs::path& path) {
  auto document = read_json_file(path);
  config_fields fields{document, path.string()};
  if (auto name = fields.text("pooling_mode")) {
    for (const auto& key : pooling_keys)
      if (key.name == *name && key.kind)
        return *key.kind;
    fields.refuse("pooling_mode", built_in);
  }
  std::optional<pooling> result;
  for (const auto& key : pooling_keys) {
    if (!fields.boolean(key.flag).value_or(false))
      continue;
    if (!key.kind || result)
      fields.refuse(key.flag, built_in);
    result = key.kind;
  }
  if (!result)
    throw std::runtime_error(
        fmt::format("{}: names no pooling", path.string()));
  return *result;
}

// The name of a class without those of its modules.
std::string_view last_name(std::string_view type) {
  return type.substr(type.rfind('.') + 1);
}

// A folder below the model's, by its plain name.
bool is_plain_name(std::string_view name) {
  return !name.empty() && name.find('/') == std::string_view::npos
         && name != "." && name != "..";
}

std::optional<pooling> read_modules(const fs::path& folder) {
  auto path = folder / "modules.json";
  if (!fs::exists(path))
    return std::nullopt;
  constexpr std::size_t most_bytes = 1 << 20;
  json_document document{read_text_file(path, most_bytes), path.string()};
  std::optional<pooling> result;
  for (const auto& module : json_node{document.root(), path.string()}.items()) {
    auto type = module.get("type");
    auto kind = last_name(type.text());
    auto place = module.find("path") ? module.get("path").text() : "";
    if (kind == "Transformer" && !place.empty())
      module.get("path").fail("a network in a folder of its own is not built "
                              "in");
    if (kind == "Transformer" || kind == "Normalize")
      continue;
    if (kind != "Pooling")
      type.fail(fmt::format("{} is not built in, only Transformer, Pooling and "
                            "Normalize are",
                            kind));
    if (!is_plain_name(place))
      module.fail("the pooling has no folder");
    result = read_pooling(folder / place / "config.json");
  }
  return result;
}

std::optional<std::size_t> read_context(const fs::path& folder) {
  auto path = folder / "sentence_bert_config.json";
  if (!fs::exists(path))
    return std::nullopt;
  auto document = read_json_file(path);
  config_fields fields{document, path.string()};
  auto most = fields.integer("max_seq_length", 1, 1 << 28);
  return most ? std::optional{static_cast<std::size_t>(*most)} : std::nullopt;
}

} // namespace

std::string_view to_string(pooling kind) {
  for (const auto& [known, name] : names)
    if (known == kind)
      return name;
  return "unknown";
}

std::optional<pooling> pooling_named(std::string_view name) {
  for (const auto& [kind, known] : names)
    if (known == name)
      return kind;
  return std::nullopt;
}

embedding_config read_embedding_config(const fs::path& folder) {
  return {read_modules(folder), read_context(folder)};
}

} // namespace model_server
