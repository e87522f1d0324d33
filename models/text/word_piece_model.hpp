// WordPiece: a word's longest beginning that is a token, and so on.
#pragma once

#include "models/text/byte_trie.hpp"
#include "models/text/token_table.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// What a file says about its pieces.
struct word_piece_options {
  /// Stands for a word that can't be cut into tokens; without one such a word
  /// is dropped.
  std::optional<token_id> unknown;
  /// Spelled before every token that goes on with a word.
  std::string prefix = "##";
  /// A word of more characters is unknown.
  std::size_t max_characters = 100;
};

/// Cuts words into tokens (Schuster and Nakajima 2012). Constant after
/// construction; calls may overlap.
class word_piece_model {
public:
  /// Tokens that `is_control` says yes to are never found in a word.
  word_piece_model(token_table vocabulary, const std::vector<bool>& is_control,
                   word_piece_options options);

  /// Appends the tokens of `word`, which is valid UTF-8. Time is the length
  /// of the word by that of the longest token at most.
  void encode(std::string_view word, std::vector<token_id>& out) const;

  const token_table& vocabulary() const {
    return vocabulary_;
  }

private:
  token_table vocabulary_;
  word_piece_options options_;
  byte_trie pieces_;
  /// Where the tokens that go on with a word begin in `pieces_`.
  byte_trie::node inner_ = byte_trie::none;
};

} // namespace model_server
