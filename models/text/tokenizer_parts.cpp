// Puts a tokenizer together from the parts of its file.
#include "models/text/tokenizer_parts.hpp"

#include "models/text/growth.hpp"
#include "models/text/part_readers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>

namespace model_server {

namespace {

token_id read_id(const json_node& node) {
  auto id = node.get("id").integer();
  if (id < 0 || id > max_token_id)
    node.fail(fmt::format("has id {}; ids are from 0 to {}", id, max_token_id));
  return static_cast<token_id>(id);
}

/// An added token that is in the vocabulary too must be the same there.
void check_against(const token_table& vocabulary, const added_token& token,
                   bool may_replace) {
  auto known = vocabulary.find(token.content);
  if (known && *known != token.id)
    throw std::runtime_error{
        fmt::format("\"{:.80}\" has id {} here and {} in the vocabulary",
                    token.content, token.id, *known)};
  if (!known && !may_replace && vocabulary.has(token.id))
    throw std::runtime_error{fmt::format(
        "\"{:.80}\" has id {}, which is \"{:.80}\" in the vocabulary",
        token.content, token.id, vocabulary.spelling(token.id))};
}

/// All but what `finish` makes.
tokenizer_parts read_parts(const json_node& file) {
  tokenizer_parts parts;
  std::vector<json_node> nodes;
  std::vector<added_token> tokens;
  if (auto list = file.find("added_tokens"))
    nodes = list->items();
  for (auto& node : nodes) {
    tokens.push_back(read_added_token(node));
    tokens.back().id = read_id(node);
  }
  parts.model = read_model(file.get("model"), control_tokens(tokens));
  if (auto node = file.find("normalizer"))
    read_normalizer(*node, parts.normal);
  if (auto node = file.find("pre_tokenizer"))
    read_pre_tokenizer(*node, parts.words);
  for (std::size_t i = 0; i < nodes.size(); ++i)
    at_node(nodes[i], [&] { parts.add_tokens({std::move(tokens[i])}); });
  if (auto node = file.find("decoder"))
    read_decoder(*node, parts.decoder);
  else
    parts.decoder.add_spaces_between();
  if (auto node = file.find("post_processor"))
    read_post_processor(*node, parts);
  return parts;
}

} // namespace

void piece_table::build(const token_decoder& decoder,
                        const token_table& vocabulary,
                        const added_tokens& added) {
  places_.resize(std::max(vocabulary.end_id(), added.table().end_id()));
  std::size_t letters = 0;
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{30};
  auto store = [&](const std::string& text) {
    place result{static_cast<std::uint32_t>(bytes_.size()),
                 static_cast<std::uint32_t>(text.size())};
    bytes_ += text;
    check_growth(bytes_.size(), letters);
    return result;
  };
  for (std::size_t i = 0; i < places_.size(); ++i) {
    auto id = static_cast<token_id>(i);
    if (!added.table().has(id) && !vocabulary.has(id))
      continue;
    auto spelling = added.table().has(id) ? added.table().spelling(id)
                                          : vocabulary.spelling(id);
    letters += spelling.size();
    if (std::chrono::steady_clock::now() > deadline)
      throw std::runtime_error{"decoding every token takes too long"};
    auto later = decoder.decode(spelling, {.first = false});
    auto first = decoder.decode(spelling, {.first = true});
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

void tokenizer_parts::add_tokens(std::vector<added_token> tokens,
                                 bool may_replace) {
  added.start_ids_at(vocabulary_of(model).end_id());
  for (auto& token : tokens) {
    check_against(vocabulary_of(model), token, may_replace);
    added.add(std::move(token), normal);
  }
}

void tokenizer_parts::finish() {
  if (auto* pairs = std::get_if<bpe_model>(&model)) {
    if (words.ends_in_byte_letters() && pairs->take_bytes())
      words.leave_bytes();
    pairs->finish();
  }
  pieces.build(decoder, vocabulary_of(model), added);
}

added_token read_added_token(const json_node& node) {
  added_token result;
  result.content = node.get("content").text();
  result.special = node.flag("special", false);
  result.lstrip = node.flag("lstrip", false);
  result.rstrip = node.flag("rstrip", false);
  result.single_word = node.flag("single_word", false);
  result.normalized = node.flag("normalized", !result.special);
  return result;
}

std::vector<bool> control_tokens(const std::vector<added_token>& tokens) {
  std::vector<bool> result;
  for (auto& token : tokens)
    if (token.special) {
      auto index = static_cast<std::size_t>(token.id);
      result.resize(std::max(result.size(), index + 1));
      result[index] = true;
    }
  return result;
}

tokenizer_parts read_tokenizer(std::string json, const std::string& origin) {
  constexpr std::string_view left[] = {"model.vocab", "model.merges"};
  auto parts = [&] {
    json_document document{json, origin, left};
    return read_parts(json_node{document.root(), origin});
  }();
  json.clear();
  json.shrink_to_fit();
  parts.finish();
  return parts;
}

} // namespace model_server
