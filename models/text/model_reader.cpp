// Reads the "model" of a tokenizer.json, by its type.
#include "models/text/json_events.hpp"
#include "models/text/model_readers.hpp"
#include "models/text/part_readers.hpp"
#include "models/text/tokenizer_parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace model_server {

namespace {

/// Old files leave out the type; what they have tells it.
std::string_view type_of(const json_node& node) {
  if (auto type = node.find("type"))
    return type->text();
  if (node.get("vocab").is_left_out_list())
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
  return at_node(node, [&] {
    return word_piece_model{std::move(vocabulary), is_control,
                            std::move(options)};
  });
}

word_level_model read_word_level_model(const json_node& node,
                                       const std::vector<bool>& is_control) {
  auto vocabulary = read_vocabulary(node.get("vocab"));
  auto unknown = read_unknown(node, vocabulary);
  return {std::move(vocabulary), is_control, unknown};
}

/// Its vocabulary is a list of spellings and scores; the place is the id.
class piece_reader {
public:
  explicit piece_reader(const json_node& list) : list_(list) {
    visit_json(list.left_out_list().text, [&](auto& event) { take(event); });
    if (scores.empty())
      list.fail("is empty");
  }

  token_table vocabulary;
  std::vector<double> scores;

private:
  using kind = json_event::kind;

  // The pieces are lists in a list.
  void take(const json_event& event) {
    if (event.depth == 1 && event.is == kind::begin_list)
      place_ = 0;
    else if (event.depth == 1 && event.is == kind::end_list)
      finish();
    else if (event.depth == 1)
      fail("is not a list");
    else if (event.depth == 2)
      take_part(event);
  }
  void take_part(const json_event& event) {
    if (place_ == 0) {
      if (event.is != kind::text)
        fail("[0]", "is not a string");
      spelling_ = event.text;
    } else if (place_ == 1) {
      if (event.is != kind::number)
        fail("[1]", "is not a number");
      score_ = event.real();
    }
    ++place_;
  }
  void finish() {
    if (place_ != 2)
      fail("is not a token and its score");
    try {
      vocabulary.add(spelling_, static_cast<std::int64_t>(scores.size()));
    } catch (const std::runtime_error& e) {
      fail(e.what());
    }
    scores.push_back(score_);
  }
  [[noreturn]] void fail(const std::string& why) const {
    fail("", why);
  }
  [[noreturn]] void fail(const char* part, const std::string& why) const {
    list_.fail_at(fmt::format("[{}]{}", scores.size(), part), why);
  }

  const json_node list_;
  std::size_t place_ = 0;
  std::string spelling_;
  double score_ = 0;
};

unigram_model read_unigram_model(const json_node& node,
                                 const std::vector<bool>& is_control) {
  piece_reader pieces{node.get("vocab")};
  auto& scores = pieces.scores;
  unigram_options options;
  options.byte_fallback = node.flag("byte_fallback", false);
  if (auto unknown = node.find("unk_id")) {
    auto id = unknown->integer();
    if (id < 0 || static_cast<std::size_t>(id) >= scores.size())
      unknown->fail(fmt::format("is {}; the vocabulary has {} tokens", id,
                                scores.size()));
    options.unknown = static_cast<token_id>(id);
  }
  return at_node(node, [&] {
    return unigram_model{std::move(pieces.vocabulary), std::move(scores),
                         is_control, options};
  });
}

} // namespace

token_table read_vocabulary(const json_node& node) {
  using kind = json_event::kind;
  auto json = node.left_out_object();
  if (json.items == 0)
    node.fail("is empty");
  token_table result;
  // Each but one has a letter at least.
  result.reserve(std::min(json.items, json.letters + 1), json.letters);
  std::string spelling;
  visit_json(json.text, [&](auto& event) {
    // Depth 0 is the object itself; what is deeper has failed before.
    if (event.depth != 1 || event.is == kind::key) {
      spelling = event.text;
      return;
    }
    auto id = event.is == kind::number ? event.integer() : std::nullopt;
    if (!id)
      node.fail(
          fmt::format("the id of \"{:.80}\" is not an integer", spelling));
    at_node(node, [&] { result.add(spelling, *id); });
  });
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
