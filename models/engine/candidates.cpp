// Narrows a set of tokens in a few passes, without sorting it.
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

// Floats that are not negative keep their order as whole numbers below 2^31.
std::uint32_t key_of(float x) {
  return std::bit_cast<std::uint32_t>(x);
}

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
    keep_min_p(params.min_p);
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

template <class Predicate>
void candidates::keep(Predicate is_in) {
  ids_.resize(std::max(ids_.size(), size_));
  std::size_t kept = 0;
  // No branch: which tokens stay is not to be guessed.
  auto pass = [&](auto id_of) {
    for (std::size_t i = 0; i < size_; ++i) {
      auto stays = is_in(i);
      ids_[kept] = id_of(i);
      weights_[kept] = weights_[i];
      kept += stays ? 1 : 0;
    }
  };
  if (has_ids_)
    pass([this](std::size_t i) { return ids_[i]; });
  else
    pass([](std::size_t i) { return static_cast<token_id>(i); });
  has_ids_ = true;
  size_ = kept;
}

void candidates::keep_top_p(double top_p) {
  auto total = sum(weights());
  // All tokens lighter than this together have less than half of what top_p
  // leaves out, so none of them is in.
  auto lightest = static_cast<float>(0.5 * (1.0 - top_p) * total
                                     / static_cast<double>(size_));
  keep([=, this](std::size_t i) {
    return weights_[i] >= lightest && weights_[i] > 0.0f;
  });
  keys_.resize(std::max(keys_.size(), size_));
  for (std::size_t i = 0; i < size_; ++i)
    keys_[i] = key_of(1.0f) - key_of(weights_[i]);
  auto last = cut_.find(weights(), {keys_.data(), size_}, top_p * total);
  keep([=, this](std::size_t i) {
    return keys_[i] < last.key || (keys_[i] == last.key && i <= last.index);
  });
}

void candidates::keep_min_p(double min_p) {
  auto least = static_cast<float>(min_p);
  keep([=, this](std::size_t i) { return weights_[i] >= least; });
}

void candidates::keep_typical(std::span<const float> scores, float best,
                              float scale, double typical_p) {
  keep([this](std::size_t i) { return weights_[i] > 0.0f; });
  // With log(total) - x for a token's surprise, its distance from the entropy,
  // which is the mean surprise, is that of x from the mean x.
  auto x = [&](std::size_t i) {
    return double{(scores[static_cast<std::size_t>(ids_[i])] - best) * scale};
  };
  double mean = 0.0;
  for (std::size_t i = 0; i < size_; ++i)
    mean += weights_[i] * x(i);
  auto total = sum(weights());
  mean /= total;
  keys_.resize(std::max(keys_.size(), size_));
  for (std::size_t i = 0; i < size_; ++i)
    keys_[i] = key_of(static_cast<float>(std::abs(x(i) - mean)));
  auto last = cut_.find(weights(), {keys_.data(), size_}, typical_p * total);
  keep([=, this](std::size_t i) { return keys_[i] <= last.key; });
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
