// Passes over a vocabulary of scores, in forms that compilers turn into vector
// code.
#pragma once

#include "models/token.hpp"

#include <cstddef>
#include <cstdint>
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

/// The mean of (score - best) * scale by weight; tokens of weight 0 are left
/// out. Not all weights are 0.
double weighted_mean(std::span<const float> scores, float best, float scale,
                     const float* weights);

/// Where items stand in an order, the smallest first. Floats that are not
/// negative keep their order when their bits are read as such keys.
using order_key = std::int32_t;

/// Keys from 0 for the weights from 1 down.
void keys_by_weight(std::span<const float> weights, order_key* keys);

/// Keys by the distance of (score - best) * scale from `mean`.
void keys_by_distance(std::span<const float> scores, float best, float scale,
                      double mean, order_key* keys);

/// Appends the places of all keys from `first` to `last`.
void find_keys(std::span<const order_key> keys, order_key first, order_key last,
               std::vector<std::size_t>& places);

/// Sets the weights whose key is above `last` to 0.
void drop_above(std::span<float> weights, const order_key* keys,
                order_key last);

/// Sets the weights below `least` to 0.
void drop_below(std::span<float> weights, float least);

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
