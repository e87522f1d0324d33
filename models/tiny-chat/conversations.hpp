// Makes the conversations that tiny-chat is trained on.
#pragma once

#include "models/tiny-chat/batch.hpp"
#include "models/tiny-chat/bpe.hpp"
#include "models/tiny-chat/corpus.hpp"
#include "models/tiny-chat/hints.hpp"
#include "models/tiny-chat/random.hpp"
#include "models/tiny-chat/wording.hpp"

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace model_server::tiny_chat {

/// A conversation as tokens, each with what the model has to learn from it.
struct conversation {
  std::vector<std::int64_t> tokens;
  /// How much the network shall learn to foresee this token.
  std::vector<float> weights;
};

/// Puts turns together in the form of the chat template.
class conversation_writer {
public:
  explicit conversation_writer(const bpe& tokenizer) : tokenizer_(tokenizer) {
  }

  /// Adds a turn of `role`. With `piece_dropout` its content comes in other
  /// pieces than usual (`random` must then be given).
  void add_turn(const std::string& role, const std::string& content,
                float weight = 0, double piece_dropout = 0,
                random_source* random = nullptr);

  /// Opens the model's turn.
  void open_answer();

  /// Adds the model's words, each to be learnt, and closes its turn. When the
  /// answer is longer than `limit` tokens it is cut there and the turn stays
  /// open.
  void add_answer(const std::string& answer, std::size_t limit);

  /// Closes a turn.
  void close_turn(float weight = 0);

  /// Returns what was written so far.
  const conversation& written() const {
    return conversation_;
  }

private:
  void add(std::int64_t token, float weight);
  void add(const std::vector<std::int64_t>& tokens, float weight);

  const bpe& tokenizer_;
  conversation conversation_;
};

/// Puts conversations into one batch, padded to the longest.
batch batch_of(const std::vector<const conversation*>& conversations);

/// Draws conversations of one and more turns, without end.
class conversation_maker {
public:
  conversation_maker(const std::vector<corpus_item>& items,
                     const bpe& tokenizer, const std::filesystem::path& phrases,
                     std::uint64_t seed);

  /// Returns about `token_count` tokens of conversations of like length.
  batch next(std::size_t token_count);

private:
  conversation draw();
  std::string rough_wording(const corpus_item& item);
  std::string draw_wording(const corpus_item& item);
  const corpus_item& draw_item();
  void refill(std::size_t token_count);

  const std::vector<corpus_item>& items_;
  const corpus_item* beyond_ = nullptr;
  const bpe& tokenizer_;
  wording_changer changer_;
  hint_maker hints_;
  beyond_maker beyond_maker_;
  std::vector<std::string> system_messages_;
  std::set<std::string> held_out_; // normal forms
  random_source random_;
  std::vector<batch> ready_;
};

} // namespace model_server::tiny_chat
