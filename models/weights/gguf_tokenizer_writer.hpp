// What the tokenizer.json files of all kinds of models have in common.
#pragma once

#include "models/token.hpp"
#include "models/weights/gguf_json.hpp"
#include "models/weights/gguf_metadata.hpp"
#include "models/weights/gguf_vocabulary.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace model_server {

/// U+2581, which stands for a space in pieces.
inline constexpr std::string_view piece_space = "\u2581";

/// One tokenizer.json in the making: its object has been begun.
class gguf_tokenizer_writer {
public:
  using is_token = std::function<bool(const gguf_token&)>;

  /// `from` must outlive this. Throws as `read_gguf_tokens` does.
  explicit gguf_tokenizer_writer(const gguf_metadata& from)
      : metadata(from), tokens(read_gguf_tokens(from)) {
  }

  const gguf_metadata& metadata;
  const std::vector<gguf_token> tokens;
  gguf_json out;

  /// The token under this key, or `usual`, if there is such a token.
  std::optional<token_id> find(std::string_view key,
                               std::optional<token_id> usual = {}) const;
  std::string_view text_of(token_id id) const {
    return tokens[static_cast<std::size_t>(id)].text;
  }

  /// What is put before and after a text, if the file says so or, where it says
  /// nothing, `otherwise`. Throws if the file has no such token.
  std::optional<token_id> begin(bool otherwise,
                                std::optional<token_id> usual = {}) const;
  std::optional<token_id> end(bool otherwise,
                              std::optional<token_id> usual = {}) const;

  /// Writes the tokens that are looked for in the text itself. `takes_spaces`
  /// says of which ones the white space behind them is part.
  void write_added_tokens(const is_token& takes_spaces = {});
  void write_vocabulary(const is_token& is_wanted);
  void write_replace(std::string_view pattern, std::string_view content);
  void write_post_processor(std::optional<token_id> before,
                            std::optional<token_id> after);

private:
  std::optional<token_id> around(std::string_view flag, bool otherwise,
                                 std::string_view key,
                                 std::optional<token_id> usual) const;
};

/// Write all parts of a kind: SentencePiece pairs, byte pairs, WordPiece,
/// Unigram.
void write_sentence_piece(gguf_tokenizer_writer& to);
void write_byte_pairs(gguf_tokenizer_writer& to);
void write_word_piece(gguf_tokenizer_writer& to);
void write_unigram(gguf_tokenizer_writer& to);

} // namespace model_server
