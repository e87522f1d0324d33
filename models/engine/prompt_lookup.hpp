// Guesses how a sequence goes on from how it went on before.
#pragma once

#include "models/engine/ngram_index.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace model_server {

/// Prompt lookup (A. Saxena, "Prompt Lookup Decoding", 2023; the n-gram
/// speculator of vLLM): what stood last behind the same few tokens, in the
/// prompt or in the reply, is a good guess for what comes now wherever text is
/// quoted, changed a little or repeated.
///
/// A place that was right is followed as long as it stays right, so a passage
/// that is copied is not left for a newer one that shares a few words with it.
/// Else the last 4 tokens are looked up, then 3, then 2. Four are rarely the
/// same by chance, and a longer match is found by following; two are the fewest
/// that say more than that a word occurred before. How good a match is, its
/// length tells better than these bounds: see `guess_record`.
///
/// A function of the tokens alone, in whatever pieces they came. It keeps no
/// tokens: every call is given all of the sequence. At most 48 bytes for each
/// (see `ngram_index`), where keys and values take tens of thousands.
class prompt_lookup {
public:
  static constexpr std::size_t longest_run = 4;
  static constexpr std::size_t shortest_run = 2;

  /// A new match is compared no further back than this.
  static constexpr std::size_t most_compared = 32;

  /// Takes in the next token of `tokens`, number `size()`. O(1), amortised.
  void advance(std::span<const token_id> tokens);

  /// Tokens that were taken in.
  std::size_t size() const {
    return size_;
  }

  /// How many of the last tokens equal those before the place that is followed;
  /// 0 if there is no such place.
  std::size_t matched() const {
    return matched_;
  }

  /// The token that comes next if the past repeats itself.
  std::optional<token_id> next(std::span<const token_id> tokens) const {
    return matched_ == 0 ? std::nullopt : std::optional{tokens[place_]};
  }

  /// Appends that token and those behind it, `count` in all if there is a
  /// match. A repetition that is shorter goes round.
  void guess(std::span<const token_id> tokens, std::size_t count,
             std::vector<token_id>& to) const;

  /// Memory in use beside the object itself.
  std::size_t bytes() const;

private:
  void look_up(std::span<const token_id> tokens);

  // Of runs that another token follows; the longest first.
  std::array<ngram_index, 3> indices_{ngram_index{longest_run}, ngram_index{3},
                                      ngram_index{shortest_run}};
  std::size_t size_ = 0;
  std::size_t matched_ = 0;
  // Of the next token, if something matches.
  std::size_t place_ = 0;
};

} // namespace model_server
