// Reads the "model" of a tokenizer.json: vocabulary and merges.
#include "models/text/tokenizer_parts.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace model_server {

namespace {

token_table read_vocabulary(const json_node& node) {
  auto& value = node.value();
  if (!value.IsObject())
    node.fail("is not an object");
  if (value.MemberCount() == 0)
    node.fail("is empty");
  std::size_t bytes = 0;
  for (auto& member : value.GetObject())
    bytes += member.name.GetStringLength();
  token_table result;
  result.reserve(value.MemberCount(), bytes);
  for (auto& member : value.GetObject()) {
    if (!member.value.IsInt64())
      node.fail(fmt::format("the id of \"{:.80}\" is not an integer",
                            text_of(member.name)));
    try {
      result.add(text_of(member.name), member.value.GetInt64());
    } catch (const std::runtime_error& e) {
      node.fail(e.what());
    }
  }
  return result;
}

/// A merge is `"a b"` or `["a", "b"]`.
std::pair<std::string_view, std::string_view>
read_merge(const rapidjson::Value& value, const json_node& list) {
  if (value.IsArray() && value.Size() == 2 && value[0].IsString()
      && value[1].IsString())
    return {text_of(value[0]), text_of(value[1])};
  if (value.IsString()) {
    auto line = text_of(value);
    auto space = line.find(' ');
    if (space != std::string_view::npos
        && line.find(' ', space + 1) == std::string_view::npos)
      return {line.substr(0, space), line.substr(space + 1)};
  }
  list.fail(fmt::format("entry {} is not a pair of tokens",
                        &value - list.value().Begin()));
}

void read_merges(const json_node& node, bpe_model& result) {
  auto& value = node.value();
  if (!value.IsArray())
    node.fail("is not a list");
  result.reserve_merges(value.Size());
  for (auto& each : value.GetArray()) {
    if (each.IsString() && text_of(each).starts_with("#version"))
      continue;
    auto [left, right] = read_merge(each, node);
    try {
      result.add_merge(left, right);
    } catch (const std::runtime_error& e) {
      node.fail(e.what());
    }
  }
}

/// Options that change what tokens come out and that nobody uses in a chat
/// model.
void refuse_others(const json_node& node) {
  for (auto* key : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (auto found = node.find(key); found && !found->text().empty())
      found->fail(fmt::format("\"{:.80}\" is not supported", found->text()));
  if (auto found = node.find("dropout");
      found && !(found->value().IsNumber() && found->value().GetDouble() == 0))
    found->fail("is not supported");
}

} // namespace

bpe_model read_bpe_model(const json_node& node) {
  // Old files leave out the type.
  if (auto type = node.find("type"); type && type->text() != "BPE")
    node.fail(fmt::format("type \"{:.80}\" is unknown; only BPE is supported",
                          type->text()));
  if (!node.find("merges"))
    node.fail("lacks \"merges\"; only BPE is supported");
  refuse_others(node);
  auto vocabulary = read_vocabulary(node.get("vocab"));
  bpe_options options;
  options.fuse_unknown = node.flag("fuse_unk", false);
  options.byte_fallback = node.flag("byte_fallback", false);
  options.ignore_merges = node.flag("ignore_merges", false);
  if (auto unknown = node.find("unk_token")) {
    options.unknown = vocabulary.find(unknown->text());
    if (!options.unknown)
      unknown->fail(
          fmt::format("\"{:.80}\" is not in the vocabulary", unknown->text()));
  }
  bpe_model result{std::move(vocabulary), options};
  read_merges(node.get("merges"), result);
  return result;
}

} // namespace model_server
