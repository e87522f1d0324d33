// Decides how many tokens are guessed ahead, and which.
#pragma once

#include "models/engine/guess_record.hpp"
#include "models/engine/prompt_lookup.hpp"
#include "models/engine/row_costs.hpp"
#include "models/entry.hpp"

#include <cstddef>
#include <span>
#include <unordered_map>
#include <vector>

namespace model_server {

/// Chooses guesses for the sequences of a step. They are read together with the
/// token drawn last, the tokens that follow are drawn one after the other from
/// the scores, and as long as a draw is what was guessed the next scores are
/// those that it needs (Y. Leviathan et al., "Fast Inference from Transformers
/// via Speculative Decoding", 2023, with a guesser that is always sure). A draw
/// depends on its scores and its place in the reply alone, so the tokens are
/// the same whatever was guessed: what is chosen here, and by which clock,
/// decides nothing but the time.
///
/// A guess is worth what its chance is (see `guess_record`): with those that go
/// before it. The best guesses of all sequences are taken as long as tokens per
/// second grow by what `row_costs` says of the rows. Ordinary text has few
/// matches, and where those fail nothing is tried any more; where rows cost as
/// much as they do in big batches, no guess is worth one.
class speculation {
public:
  /// For one sequence in one step.
  static constexpr std::size_t most_guesses = 15;

  /// Nothing is guessed for less than so many times the speed without: times
  /// waver by more.
  static constexpr double least_gain = 1.05;

  /// `context_length`: what a sequence can have, in tokens.
  explicit speculation(std::size_t context_length)
      : context_length_(context_length) {
  }

  /// How many tokens to guess for each of these sequences, which all lack only
  /// their last token. What it returns lives until the next call.
  std::span<const std::size_t> choose(std::span<const sequence* const> items);

  /// The same for a given number, as far as there are any; for tests.
  std::span<const std::size_t> choose(std::span<const sequence* const> items,
                                      std::size_t count);

  /// The next `count` tokens of a sequence for which `choose` gave as many or
  /// more. What it returns lives until the next call.
  std::span<const token_id> guess(const sequence& item, std::size_t count);

  /// A pass that read no prompt took this long; guesses are rows too.
  void took(std::size_t rows, double seconds) {
    costs_.took(rows, seconds);
  }

  /// Another number of threads, other times.
  void forget_times() {
    costs_.forget();
  }

  /// Forgets a sequence. Unknown ones are ignored.
  void release(sequence_id id) {
    known_.erase(id);
  }

private:
  struct known_sequence {
    prompt_lookup lookup;
    guess_record record;
  };

  // One more guess for one sequence.
  struct offer {
    double chance; // that it and those before it are right
    std::size_t index;
  };

  known_sequence& learn(const sequence& item);
  std::size_t most_for(const sequence& item) const;
  void make_offers(std::span<const sequence* const> items);
  std::size_t count_worthwhile(std::size_t sequences) const;

  std::size_t context_length_;
  row_costs costs_;
  std::unordered_map<sequence_id, known_sequence> known_;
  // Of the step in progress; kept for their memory.
  std::vector<offer> offers_;
  std::vector<std::size_t> counts_;
  std::vector<token_id> guesses_;
};

} // namespace model_server
