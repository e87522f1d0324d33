// Puts a tokenizer together from the parts of its file.
#include "models/text/tokenizer_parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace model_server {

namespace {

added_token read_added_token(const json_node& node) {
  added_token result;
  result.content = node.get("content").text();
  auto id = node.get("id").integer();
  if (id < 0 || id > max_token_id)
    node.fail(fmt::format("has id {}; ids are from 0 to {}", id, max_token_id));
  result.id = static_cast<token_id>(id);
  result.special = node.flag("special", false);
  result.lstrip = node.flag("lstrip", false);
  result.rstrip = node.flag("rstrip", false);
  result.single_word = node.flag("single_word", false);
  result.normalized = node.flag("normalized", !result.special);
  return result;
}

/// An added token that is in the vocabulary too must be the same there.
void check_against(const token_table& vocabulary, const added_token& token,
                   const json_node& node) {
  auto known = vocabulary.find(token.content);
  if (known && *known != token.id)
    node.fail(fmt::format("\"{:.80}\" has id {} here and {} in the vocabulary",
                          token.content, token.id, *known));
  if (!known && vocabulary.has(token.id))
    node.fail(fmt::format("\"{:.80}\" has id {}, which is \"{:.80}\" in the "
                          "vocabulary",
                          token.content, token.id,
                          vocabulary.spelling(token.id)));
}

} // namespace

void piece_table::build(const token_decoder& decoder,
                        const token_table& vocabulary,
                        const added_tokens& added) {
  places_.resize(std::max(vocabulary.end_id(), added.table().end_id()));
  auto store = [&](const std::string& text) {
    place result{static_cast<std::uint32_t>(bytes_.size()),
                 static_cast<std::uint32_t>(text.size())};
    bytes_ += text;
    return result;
  };
  for (std::size_t i = 0; i < places_.size(); ++i) {
    auto id = static_cast<token_id>(i);
    if (!added.table().has(id) && !vocabulary.has(id))
      continue;
    auto spelling = added.table().has(id) ? added.table().spelling(id)
                                          : vocabulary.spelling(id);
    auto later = decoder.decode(spelling, false);
    auto first = decoder.decode(spelling, true);
    auto& entry = places_[i];
    entry.later = entry.first = store(later);
    if (first != later)
      entry.first = store(first);
  }
}

std::string_view piece_table::find(token_id token, bool at_start) const {
  auto index = static_cast<std::size_t>(token);
  if (token < 0 || index >= places_.size())
    return {};
  auto& entry = at_start ? places_[index].first : places_[index].later;
  return std::string_view{bytes_}.substr(entry.begin, entry.size);
}

tokenizer_parts read_tokenizer(const json_node& file) {
  tokenizer_parts parts;
  parts.model = read_bpe_model(file.get("model"));
  if (auto node = file.find("normalizer"))
    read_normalizer(*node, parts.normal);
  if (auto node = file.find("pre_tokenizer"))
    read_pre_tokenizer(*node, parts.words);
  if (auto list = file.find("added_tokens"))
    for (auto& node : list->items()) {
      auto token = read_added_token(node);
      check_against(parts.model.vocabulary(), token, node);
      try {
        parts.added.add(std::move(token), parts.normal);
      } catch (const std::runtime_error& e) {
        node.fail(e.what());
      }
    }
  token_decoder decoder;
  if (auto node = file.find("decoder"))
    read_decoder(*node, decoder);
  else
    decoder.add_spaces_between();
  parts.pieces.build(decoder, parts.model.vocabulary(), parts.added);
  if (auto node = file.find("post_processor"))
    read_post_processor(*node, parts);
  return parts;
}

} // namespace model_server
