// Gathers the settings that are spread over a model folder.
#include "models/text/tokenizer_settings.hpp"

#include "models/text/json_node.hpp"
#include "models/text/tokenizer_parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace model_server {

namespace {

constexpr std::size_t max_file_bytes = std::size_t{64} << 20;

/// What control tokens are for, in the order in which they get ids.
constexpr std::array purposes{"bos_token", "eos_token", "unk_token",
                              "sep_token", "pad_token", "cls_token",
                              "mask_token"};

/// A control token, given as a string or as an object.
added_token read_control_token(const json_node& node) {
  added_token result;
  if (node.is_text())
    result.content = node.text();
  else
    result = read_added_token(node);
  result.special = true;
  result.id = -1;
  return result;
}

token_id checked_id(const json_node& node, std::int64_t id) {
  if (id < 0 || id > max_token_id)
    node.fail(fmt::format("has id {}; ids are from 0 to {}", id, max_token_id));
  return static_cast<token_id>(id);
}

/// `{"5": {"content": ...}}`.
void read_added_tokens_decoder(const json_node& node,
                               tokenizer_settings& result) {
  if (!node.is_object())
    node.fail("is not an object");
  for (auto& member : node.value().GetObject()) {
    std::string key{text_of(member.name)};
    auto inside = node.get(key.c_str());
    std::int64_t id = -1;
    auto* end = key.data() + key.size();
    if (std::from_chars(key.data(), end, id).ptr != end)
      inside.fail("is not named by an id");
    auto token = read_added_token(inside);
    token.id = checked_id(inside, id);
    result.added.push_back(std::move(token));
  }
}

void read_named(const json_node& file, tokenizer_settings& result) {
  for (auto* purpose : purposes)
    if (auto node = file.find(purpose))
      result.named.try_emplace(purpose, read_control_token(*node));
  if (auto list = file.find("additional_special_tokens");
      list && list->value().IsArray())
    for (auto& node : list->items())
      result.more.push_back(read_control_token(node));
}

/// `{"<tool>": 5}`: control tokens if others say so.
void read_added_tokens(const json_node& file, tokenizer_settings& result) {
  if (!result.added.empty())
    return;
  auto is_control = [&](std::string_view content) {
    auto has = [&](auto& token) { return token.content == content; };
    return std::any_of(result.more.begin(), result.more.end(), has)
           || std::any_of(result.named.begin(), result.named.end(),
                          [&](auto& each) { return has(each.second); });
  };
  if (!file.is_object())
    file.fail("is not an object");
  for (auto& member : file.value().GetObject()) {
    std::string content{text_of(member.name)};
    auto inside = file.get(content.c_str());
    added_token token;
    token.id = checked_id(inside, inside.integer());
    token.special = is_control(content);
    token.normalized = !token.special;
    token.content = std::move(content);
    result.added.push_back(std::move(token));
  }
}

template <class Read>
void with_file(const std::filesystem::path& path, const Read& read) {
  if (!std::filesystem::exists(path))
    return;
  json_document document{read_text_file(path, max_file_bytes), path.string()};
  read(json_node{document.root(), path.string()});
}

} // namespace

bool tokenizer_settings::flag(std::string_view name, bool otherwise) const {
  auto found = flags.find(name);
  return found == flags.end() ? otherwise : found->second;
}

std::vector<added_token>
tokenizer_settings::tokens(const token_table& vocabulary) const {
  auto result = added;
  auto next = static_cast<token_id>(vocabulary.end_id());
  for (auto& token : result)
    next = std::max(next, token.id + 1);
  auto take = [&](const added_token& token) {
    auto is_there = [&](auto& each) { return each.content == token.content; };
    if (std::any_of(result.begin(), result.end(), is_there))
      return;
    result.push_back(token);
    auto known = vocabulary.find(token.content);
    result.back().id = known ? *known : next++;
  };
  for (auto* purpose : purposes)
    if (auto found = named.find(purpose); found != named.end())
      take(found->second);
  for (auto& token : more)
    take(token);
  return result;
}

tokenizer_settings
read_tokenizer_settings(const std::filesystem::path& folder) {
  tokenizer_settings result;
  with_file(folder / "tokenizer_config.json", [&](const json_node& file) {
    if (auto name = file.find("tokenizer_class"))
      result.tokenizer_class = name->text();
    if (result.tokenizer_class.ends_with("Fast"))
      result.tokenizer_class.resize(result.tokenizer_class.size() - 4);
    if (!file.is_object())
      file.fail("is not an object");
    for (auto& member : file.value().GetObject())
      if (member.value.IsBool())
        result.flags.emplace(text_of(member.name), member.value.GetBool());
    read_named(file, result);
    if (auto decoder = file.find("added_tokens_decoder"))
      read_added_tokens_decoder(*decoder, result);
  });
  with_file(folder / "special_tokens_map.json",
            [&](const json_node& file) { read_named(file, result); });
  with_file(folder / "added_tokens.json",
            [&](const json_node& file) { read_added_tokens(file, result); });
  with_file(folder / "config.json", [&](const json_node& file) {
    if (auto type = file.find("model_type"))
      result.model_type = type->text();
  });
  return result;
}

} // namespace model_server
