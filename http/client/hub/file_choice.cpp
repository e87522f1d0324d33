// Chooses among the files of a model.
#include "http/client/hub/file_choice.hpp"

#include "http/client/byte_text.hpp"
#include "config/part_name.hpp"
#include "config/quote.hpp"
#include "models/text/json_node.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <set>
#include <stdexcept>

#include <fnmatch.h>

namespace model_server {

namespace {

constexpr auto single_file = "model.safetensors";
constexpr auto index_file = "model.safetensors.index.json";

/// What models/ reads beside weights, in the folder itself.
constexpr std::array settings_files{"config.json",
                                    "generation_config.json",
                                    "chat_template.jinja",
                                    "tokenizer.json",
                                    "tokenizer_config.json",
                                    "special_tokens_map.json",
                                    "added_tokens.json",
                                    "tokenizer.model",
                                    "vocab.json",
                                    "merges.txt",
                                    "vocab.txt",
                                    "modules.json",
                                    "sentence_bert_config.json"};

/// Pickled weights: reading them can run what their author wants.
constexpr std::array pickled_endings{".bin", ".pt", ".pth", ".ckpt", ".pkl"};

std::string_view base_name(std::string_view name) {
  return name.substr(name.rfind('/') + 1);
}

bool is_gguf_model(const hub_file& file) {
  auto name = base_name(file.name);
  return name.ends_with(".gguf") && !name.starts_with("mmproj");
}

bool is_settings_file(std::string_view name) {
  return std::ranges::find(settings_files, name) != settings_files.end()
         || ((name.ends_with(".tiktoken") || name == "tiktoken.model")
             && name.find('/') == name.npos)
         // The modules of sentence-transformers have folders of their own.
         || (name.ends_with("_Pooling/config.json")
             && std::ranges::count(name, '/') == 1);
}

const hub_file* find_file(const hub_listing& listing, std::string_view name) {
  auto found = std::ranges::find(listing.files, name, &hub_file::name);
  return found == listing.files.end() ? nullptr : &*found;
}

planned_file plan_file(const hub_file& file, std::string_view local) {
  if (!is_safe_file_name(local))
    throw std::runtime_error(fmt::format(
        "the hub lists a file {}, which is no name that may be written",
        quote(file.name, 256)));
  if (file.id.hex.empty())
    throw std::runtime_error(fmt::format(
        "the hub gives no checksum of {}, so that it cannot be told whether it "
        "comes as it is",
        quote(file.name, 256)));
  return {file.name, std::string{local}, file.size, file.id};
}

bool matches(const std::string& name, const std::string& pattern) {
  return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0
         || ::fnmatch(pattern.c_str(), std::string{base_name(name)}.c_str(), 0)
                == 0;
}

// -- .gguf --------------------------------------------------------------------

/// The files of each model, by its name without the number of a part.
using gguf_models = std::map<std::string, std::vector<const hub_file*>>;

gguf_models find_gguf_models(const hub_listing& listing,
                             std::string_view include) {
  auto model_of = [](const std::string& name) {
    auto part = read_part_name(name);
    return part ? part->model : name;
  };
  std::set<std::string> wanted;
  for (const auto& file : listing.files)
    if (is_gguf_model(file)
        && (include.empty() || matches(file.name, std::string{include})))
      wanted.insert(model_of(file.name));
  gguf_models result;
  for (const auto& file : listing.files)
    if (is_gguf_model(file) && wanted.contains(model_of(file.name)))
      result[model_of(file.name)].push_back(&file);
  return result;
}

std::string shown(const gguf_models& models) {
  constexpr std::size_t most = 40;
  std::string result;
  std::size_t count = 0;
  for (const auto& [name, files] : models) {
    if (++count > most)
      return result + fmt::format("\n  and {} more", models.size() - most);
    auto size = std::accumulate(
        files.begin(), files.end(), std::uint64_t{0},
        [](auto sum, const auto* file) { return sum + file->size; });
    std::string safe;
    append_escaped(safe, name, 256);
    result += fmt::format("\n  {:<10} {}", show_bytes(size), safe);
  }
  return result;
}

std::vector<planned_file> choose_gguf(const hub_listing& listing,
                                      std::string_view include) {
  auto models = find_gguf_models(listing, include);
  if (models.empty()) {
    auto all = find_gguf_models(listing, {});
    throw std::runtime_error(fmt::format(
        "--include {} is the name of no .gguf file of the model; {}{}",
        quote(include, 128), all.empty() ? "it has none" : "it has",
        shown(all)));
  }
  if (models.size() > 1)
    throw std::runtime_error(fmt::format(
        "there are several .gguf models, of which one can be fetched; say "
        "which with --include, such as --include '*{}'{}",
        base_name(models.begin()->first), shown(models)));
  const auto& [name, files] = *models.begin();
  if (auto part = read_part_name(files[0]->name);
      part && files.size() != static_cast<std::size_t>(part->count))
    throw std::runtime_error(
        fmt::format("of the {} files of {} the hub lists {}", part->count,
                    quote(name, 128), files.size()));
  std::vector<planned_file> result;
  for (const auto* file : files)
    result.push_back(plan_file(*file, base_name(file->name)));
  return result;
}

// -- .safetensors -------------------------------------------------------------

std::vector<planned_file>
choose_safetensors(const hub_listing& listing,
                   const std::vector<std::string>& shards) {
  if (find_file(listing, "config.json") == nullptr)
    throw std::runtime_error("the model has weights but no config.json, by "
                             "which they could be read");
  std::vector<planned_file> result;
  for (const auto& file : listing.files)
    if (is_settings_file(file.name))
      result.push_back(plan_file(file, file.name));
  if (const auto* file = find_file(listing, single_file)) {
    result.push_back(plan_file(*file, file->name));
    return result;
  }
  result.push_back(plan_file(*find_file(listing, index_file), index_file));
  for (const auto& name : shards) {
    const auto* file = find_file(listing, name);
    if (file == nullptr || !name.ends_with(".safetensors")
        || name.find('/') != name.npos)
      throw std::runtime_error(
          fmt::format("{} names {}, which is no weight file of the model",
                      index_file, quote(name, 128)));
    result.push_back(plan_file(*file, name));
  }
  return result;
}

[[noreturn]] void refuse_without_weights(const hub_listing& listing) {
  for (const auto& file : listing.files)
    for (auto ending : pickled_endings)
      if (file.name.ends_with(ending))
        throw std::runtime_error(fmt::format(
            "the model has no .safetensors and no .gguf file; its weights are "
            "pickled ({}), and reading those can run foreign programs. Look "
            "for another revision or a converted model",
            quote(file.name, 128)));
  throw std::runtime_error("the model has neither model.safetensors nor a "
                           ".gguf file, and nothing else is served");
}

bool has_safetensors(const hub_listing& listing) {
  return find_file(listing, single_file) != nullptr
         || find_file(listing, index_file) != nullptr;
}

} // namespace

std::uint64_t size_of(const std::vector<planned_file>& files) {
  return std::accumulate(
      files.begin(), files.end(), std::uint64_t{0},
      [](auto sum, const auto& file) { return sum + file.size; });
}

bool is_safe_file_name(std::string_view name) {
  constexpr std::size_t most_part_bytes = 255;
  constexpr int most_parts = 5;
  int parts = 0;
  for (;;) {
    auto part = name.substr(0, name.find('/'));
    if (part.empty() || part.size() > most_part_bytes || part.front() == '.'
        || ++parts > most_parts || std::ranges::any_of(part, [](char c) {
             return static_cast<unsigned char>(c) < 0x20 || c == 0x7F
                    || c == '\\';
           }))
      return false;
    if (part.size() == name.size())
      return true;
    name.remove_prefix(part.size() + 1);
  }
}

std::optional<planned_file> choose_index(const hub_listing& listing,
                                         std::string_view include) {
  const auto* index = find_file(listing, index_file);
  if (!include.empty() || index == nullptr
      || find_file(listing, single_file) != nullptr)
    return std::nullopt;
  return plan_file(*index, index_file);
}

std::vector<std::string> read_index(std::string text) {
  json_document document{std::move(text), index_file};
  auto map = json_node{document.root(), index_file}.get("weight_map");
  if (!map.is_object())
    map.fail("is no object");
  std::set<std::string> names;
  for (const auto& member : map.value().GetObject())
    names.emplace(json_node{member.value, index_file}.text());
  return {names.begin(), names.end()};
}

std::vector<planned_file> choose_files(const hub_listing& listing,
                                       std::string_view include,
                                       const std::vector<std::string>& shards) {
  if (!include.empty())
    return choose_gguf(listing, include);
  if (has_safetensors(listing))
    return choose_safetensors(listing, shards);
  if (std::ranges::any_of(listing.files, is_gguf_model))
    return choose_gguf(listing, {});
  refuse_without_weights(listing);
}

} // namespace model_server
