// Narrows a set of tokens in a few passes, without sorting it: what is left out
// gets a weight of 0.
#include "models/engine/candidates.hpp"

#include "models/engine/fast_exp.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace model_server {

namespace {

// Weights are summed a block at a time: exact enough, and a draw looks into one
// block only.
constexpr std::size_t block = 256;

// Where keys begin to be told apart well. A key that is 2^28 larger belongs to
// a number that is 2^32 times larger, or smaller.
constexpr order_key key_of_full_weight = 0;
constexpr auto key_of_small_distance = std::bit_cast<order_key>(0x1p-20f);

} // namespace

void candidates::warp(std::span<const float> scores, float best,
                      const sampling_params& params) {
  auto scale = static_cast<float>(std::min(
      1.0 / params.temperature, double{std::numeric_limits<float>::max()}));
  auto k = static_cast<std::size_t>(params.top_k);
  if (params.top_k > 0 && k < scores.size())
    take_best(best_.find(scores, k), best, scale);
  else
    take_all(scores, best, scale);
  if (params.top_p < 1.0)
    keep_top_p(params.top_p);
  if (params.min_p > 0.0)
    drop_below(weights(), static_cast<float>(params.min_p));
  if (params.typical_p < 1.0)
    keep_typical(scores, best, scale, params.typical_p);
}

void candidates::take_all(std::span<const float> scores, float best,
                          float scale) {
  has_ids_ = false;
  size_ = scores.size();
  weights_.resize(std::max(weights_.size(), size_));
  write_weights(scores, best, scale, weights_.data());
}

void candidates::take_best(std::span<const scored_token> best_ones, float best,
                           float scale) {
  has_ids_ = true;
  size_ = best_ones.size();
  weights_.resize(std::max(weights_.size(), size_));
  ids_.resize(std::max(ids_.size(), size_));
  for (std::size_t i = 0; i < size_; ++i) {
    ids_[i] = best_ones[i].id;
    weights_[i] = exp_of_negative((best_ones[i].score - best) * scale);
  }
}

void candidates::keep_top_p(double top_p) {
  keys_.resize(std::max(keys_.size(), size_));
  keys_by_weight(weights(), keys_.data());
  auto last = cut_.find(weights(), {keys_.data(), size_},
                        top_p * sum(weights()), key_of_full_weight);
  // Of equal ones those with lower ids stay.
  auto split = last.index + 1;
  drop_above(weights().first(split), keys_.data(), last.key);
  drop_above(weights().subspan(split), keys_.data() + split, last.key - 1);
}

void candidates::keep_typical(std::span<const float> scores, float best,
                              float scale, double typical_p) {
  if (has_ids_) {
    own_scores_.clear();
    for (std::size_t i = 0; i < size_; ++i)
      own_scores_.push_back(scores[static_cast<std::size_t>(ids_[i])]);
    scores = own_scores_;
  }
  // With log(total) - x for a token's surprise, its distance from the entropy,
  // which is the mean surprise, is that of x from the mean x.
  auto mean = weighted_mean(scores, best, scale, weights_.data());
  keys_.resize(std::max(keys_.size(), size_));
  keys_by_distance(scores, best, scale, mean, keys_.data());
  auto last = cut_.find(weights(), {keys_.data(), size_},
                        typical_p * sum(weights()), key_of_small_distance);
  drop_above(weights(), keys_.data(), last.key);
}

token_id candidates::draw(double place) {
  auto block_at = [&](std::size_t i) {
    return weights().subspan(i * block, std::min(block, size_ - i * block));
  };
  masses_.clear();
  double total = 0.0;
  for (std::size_t i = 0; i * block < size_; ++i) {
    masses_.push_back(sum(block_at(i)));
    total += masses_.back();
  }
  auto left = place * total;
  std::size_t at = 0;
  while (at + 1 < masses_.size() && left >= masses_[at])
    left -= masses_[at++];
  // Rounding may lead past the end: then it is the last that can be drawn.
  std::size_t result = size_;
  for (auto i = at * block; i < size_; ++i) {
    if (weights_[i] == 0.0f)
      continue;
    result = i;
    if (left < weights_[i])
      return id(i);
    left -= weights_[i];
  }
  while (result == size_ || weights_[result] == 0.0f)
    --result;
  return id(result);
}

} // namespace model_server
