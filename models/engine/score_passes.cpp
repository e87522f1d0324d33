// Passes over a vocabulary of scores.
#include "models/engine/score_passes.hpp"

#include "models/engine/fast_exp.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>

namespace model_server {

namespace {

// Passes run over this many numbers side by side.
constexpr std::size_t lanes = 16;

bool has_one_from(const float* scores, float threshold) {
  std::int32_t found = 0;
  for (std::size_t j = 0; j < lanes; ++j)
    found |= scores[j] >= threshold ? 1 : 0;
  return found != 0;
}

} // namespace

score_range range_of(std::span<const float> scores) {
  constexpr auto infinity = std::numeric_limits<float>::infinity();
  std::array<float, lanes> best;
  std::array<std::int32_t, lanes> nans{};
  best.fill(-infinity);
  std::size_t i = 0;
  for (; i + lanes <= scores.size(); i += lanes)
    for (std::size_t j = 0; j < lanes; ++j) {
      auto x = scores[i + j];
      best[j] = best[j] < x ? x : best[j];
      nans[j] |= x != x ? 1 : 0;
    }
  score_range result{-infinity, false};
  for (std::size_t j = 0; j < lanes; ++j) {
    result.best = std::max(result.best, best[j]);
    result.has_nan |= nans[j] != 0;
  }
  for (; i < scores.size(); ++i) {
    result.best = result.best < scores[i] ? scores[i] : result.best;
    result.has_nan |= std::isnan(scores[i]);
  }
  return result;
}

void write_weights(std::span<const float> scores, float best, float scale,
                   float* weights) {
  std::size_t i = 0;
  for (; i + lanes <= scores.size(); i += lanes)
    for (std::size_t j = 0; j < lanes; ++j)
      weights[i + j] = exp_of_negative((scores[i + j] - best) * scale);
  for (; i < scores.size(); ++i)
    weights[i] = exp_of_negative((scores[i] - best) * scale);
}

double sum(std::span<const float> weights) {
  std::array<double, lanes> parts{};
  std::size_t i = 0;
  for (; i + lanes <= weights.size(); i += lanes)
    for (std::size_t j = 0; j < lanes; ++j)
      parts[j] += weights[i + j];
  for (; i < weights.size(); ++i)
    parts[0] += weights[i];
  double result = 0.0;
  for (auto part : parts)
    result += part;
  return result;
}

double log_sum_of_exp(std::span<const float> scores, float best) {
  std::array<float, 256> weights;
  double total = 0.0;
  while (!scores.empty()) {
    auto count = std::min(scores.size(), weights.size());
    write_weights(scores.first(count), best, 1.0f, weights.data());
    total += sum({weights.data(), count});
    scores = scores.subspan(count);
  }
  return best + std::log(total);
}

std::span<const scored_token> best_scores::find(std::span<const float> scores,
                                                std::size_t k) {
  auto room = std::max<std::size_t>(2 * k, 128);
  auto threshold = std::numeric_limits<float>::lowest();
  kept_.clear();
  auto look_at = [&](std::size_t i) {
    if (!(scores[i] >= threshold))
      return;
    kept_.push_back({static_cast<token_id>(i), scores[i]});
    if (kept_.size() >= room) {
      threshold = prune(k);
      // Ties may fill it: more room keeps the whole in proportion.
      room = std::max(room, 2 * kept_.size());
    }
  };
  std::size_t i = 0;
  for (; i + lanes <= scores.size(); i += lanes)
    if (has_one_from(scores.data() + i, threshold))
      for (std::size_t j = 0; j < lanes; ++j)
        look_at(i + j);
  for (; i < scores.size(); ++i)
    look_at(i);
  if (kept_.size() > k)
    prune(k);
  return kept_;
}

float best_scores::prune(std::size_t k) {
  order_.clear();
  for (const auto& one : kept_)
    order_.push_back(one.score);
  auto kth = order_.begin() + static_cast<std::ptrdiff_t>(k - 1);
  std::ranges::nth_element(order_, kth, std::greater<>{});
  auto threshold = *kth;
  std::erase_if(kept_, [=](const auto& one) { return one.score < threshold; });
  return threshold;
}

} // namespace model_server
