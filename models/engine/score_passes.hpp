// Passes over a vocabulary of scores, in forms that compilers turn into vector
// code.
#pragma once

#include "models/token.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace model_server {

/// What one look at scores tells.
struct score_range {
  /// Minus infinity if there are none.
  float best;
  bool has_nan;
};

score_range range_of(std::span<const float> scores);

/// Writes exp((score - best) * scale) for every score; `best` is the best one.
void write_weights(std::span<const float> scores, float best, float scale,
                   float* weights);

/// The sum, always added in the same order.
double sum(std::span<const float> weights);

/// The logarithm of the sum of exp(score) over all scores; `best` is the best.
double log_sum_of_exp(std::span<const float> scores, float best);

/// A token with its score.
struct scored_token {
  token_id id = 0;
  float score = 0;
};

/// Finds the best scores in one pass. An object holds nothing but memory.
class best_scores {
public:
  /// The `k` best and all that tie with the last of them, by id; without those
  /// of minus infinity. `k` is above 0. What is returned lives until the next
  /// call.
  std::span<const scored_token> find(std::span<const float> scores,
                                     std::size_t k);

private:
  // Drops what is worse than the k-th best, whose score it returns.
  float prune(std::size_t k);

  std::vector<scored_token> kept_;
  std::vector<float> order_;
};

} // namespace model_server
