// Reads the "model" of a tokenizer.json, by its type.
#include "models/text/model_readers.hpp"
#include "models/text/part_readers.hpp"
#include "models/text/tokenizer_parts.hpp"

#include <fmt/format.h>

#include <cmath>
#include <string>
#include <utility>

namespace model_server {

namespace {

/// Old files leave out the type; what they have tells it.
std::string_view type_of(const json_node& node) {
  if (auto type = node.find("type"))
    return type->text();
  if (node.get("vocab").value().IsArray())
    return "Unigram";
  if (node.find("merges"))
    return "BPE";
  return node.find("max_input_chars_per_word") ? "WordPiece" : "WordLevel";
}

word_piece_model read_word_piece_model(const json_node& node,
                                       const std::vector<bool>& is_control) {
  auto vocabulary = read_vocabulary(node.get("vocab"));
  word_piece_options options;
  options.unknown = read_unknown(node, vocabulary);
  if (auto prefix = node.find("continuing_subword_prefix"))
    options.prefix = prefix->text();
  auto most = node.number("max_input_chars_per_word", 100);
  if (most < 0)
    node.fail(fmt::format("max_input_chars_per_word is {}", most));
  options.max_characters = static_cast<std::size_t>(most);
  return {std::move(vocabulary), is_control, std::move(options)};
}

word_level_model read_word_level_model(const json_node& node,
                                       const std::vector<bool>& is_control) {
  auto vocabulary = read_vocabulary(node.get("vocab"));
  auto unknown = read_unknown(node, vocabulary);
  return {std::move(vocabulary), is_control, unknown};
}

/// Its vocabulary is a list of spellings and scores; the place is the id.
unigram_model read_unigram_model(const json_node& node,
                                 const std::vector<bool>& is_control) {
  auto list = node.get("vocab");
  auto pieces = list.items();
  if (pieces.empty())
    list.fail("is empty");
  token_table vocabulary;
  std::vector<double> scores;
  scores.reserve(pieces.size());
  for (auto& piece : pieces) {
    auto pair = piece.items();
    if (pair.size() != 2)
      piece.fail("is not a token and its score");
    at_node(piece, [&] {
      vocabulary.add(pair[0].text(), static_cast<std::int64_t>(scores.size()));
    });
    scores.push_back(pair[1].real());
  }
  unigram_options options;
  options.byte_fallback = node.flag("byte_fallback", false);
  if (auto unknown = node.find("unk_id")) {
    auto id = unknown->integer();
    if (id < 0 || static_cast<std::size_t>(id) >= scores.size())
      unknown->fail(fmt::format("is {}; the vocabulary has {} tokens", id,
                                scores.size()));
    options.unknown = static_cast<token_id>(id);
  }
  return {std::move(vocabulary), std::move(scores), is_control, options};
}

} // namespace

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

std::optional<token_id> read_unknown(const json_node& node,
                                     const token_table& vocabulary) {
  auto spelling = node.find("unk_token");
  if (!spelling)
    return std::nullopt;
  auto result = vocabulary.find(spelling->text());
  if (!result)
    spelling->fail(
        fmt::format("\"{:.80}\" is not in the vocabulary", spelling->text()));
  return result;
}

word_model read_model(const json_node& node,
                      const std::vector<bool>& is_control) {
  auto type = type_of(node);
  if (type == "BPE")
    return read_bpe_model(node, is_control);
  if (type == "WordPiece")
    return read_word_piece_model(node, is_control);
  if (type == "WordLevel")
    return read_word_level_model(node, is_control);
  if (type == "Unigram")
    return read_unigram_model(node, is_control);
  refuse_type(node, type);
}

} // namespace model_server
