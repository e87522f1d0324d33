// Unigram: the cut of a word whose tokens together are the likeliest.
#pragma once

#include "models/text/byte_trie.hpp"
#include "models/text/token_table.hpp"

#include <array>
#include <optional>
#include <string_view>
#include <vector>

namespace model_server {

/// What a file says about unknown characters.
struct unigram_options {
  /// Stands for characters that no token spells, neighbours together; without
  /// one they are dropped.
  std::optional<token_id> unknown;
  /// Such characters become their bytes, `<0x0A>` say.
  bool byte_fallback = false;
};

/// Cuts words into tokens (Kudo 2018), by Viterbi's algorithm over the sum of
/// scores. Of equal sums the one wins whose last token is the longest, as in
/// the Hugging Face library. Constant after construction; calls may overlap.
class unigram_model {
public:
  /// `scores` has one for each id, its natural logarithm of a chance. Tokens
  /// that `is_control` says yes to are never found in a word.
  unigram_model(token_table vocabulary, std::vector<double> scores,
                const std::vector<bool>& is_control, unigram_options options);

  /// Appends the tokens of `word`, which is valid UTF-8. Time is the length
  /// of the word by that of the longest token at most.
  void encode(std::string_view word, std::vector<token_id>& out) const;

  const token_table& vocabulary() const {
    return vocabulary_;
  }

private:
  void append_unknown(std::string_view text, std::vector<token_id>& out) const;

  token_table vocabulary_;
  std::vector<double> scores_;
  unigram_options options_;
  byte_trie pieces_;
  /// What a character costs that no token spells.
  double unknown_score_ = 0;
  /// The tokens of `<0x00>` to `<0xFF>`, -1 where there is none.
  std::array<token_id, 256> byte_tokens_{};
};

} // namespace model_server
