// Reads a "model" of type BPE: vocabulary, merges and how they are used.
#include "models/text/model_readers.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace model_server {

namespace {

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

} // namespace

bpe_model read_bpe_model(const json_node& node,
                         const std::vector<bool>& is_control) {
  if (!node.find("merges"))
    node.fail("lacks \"merges\"");
  // Its `dropout`, leaving out merges by chance, is for training.
  auto vocabulary = read_vocabulary(node.get("vocab"));
  bpe_options options;
  options.fuse_unknown = node.flag("fuse_unk", false);
  options.byte_fallback = node.flag("byte_fallback", false);
  options.ignore_merges = node.flag("ignore_merges", false);
  options.unknown = read_unknown(node, vocabulary);
  if (auto prefix = node.find("continuing_subword_prefix"))
    options.inner_prefix = prefix->text();
  if (auto suffix = node.find("end_of_word_suffix"))
    options.end_suffix = suffix->text();
  bpe_model result{std::move(vocabulary), is_control, std::move(options)};
  read_merges(node.get("merges"), result);
  return result;
}

} // namespace model_server
