// Passes over a vocabulary of scores.
#include "models/engine/score_passes.hpp"

#include "models/engine/fast_exp.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>

// Compiles a function once more for each of these processors; which one runs is
// decided when the program starts. All give the same bits: nothing is fused,
// and sums have one order.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define MODEL_SERVER_WIDE                                                      \
  __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define MODEL_SERVER_WIDE
#endif

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

MODEL_SERVER_WIDE score_range range_of(std::span<const float> scores) {
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

MODEL_SERVER_WIDE void write_weights(std::span<const float> scores, float best,
                                     float scale, float* weights) {
  std::size_t i = 0;
  for (; i + lanes <= scores.size(); i += lanes)
    for (std::size_t j = 0; j < lanes; ++j)
      weights[i + j] = exp_of_negative((scores[i + j] - best) * scale);
  for (; i < scores.size(); ++i)
    weights[i] = exp_of_negative((scores[i] - best) * scale);
}

MODEL_SERVER_WIDE double sum(std::span<const float> weights) {
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

MODEL_SERVER_WIDE double weighted_mean(std::span<const float> scores,
                                       float best, float scale,
                                       const float* weights) {
  std::array<double, lanes> parts{}, totals{};
  auto add = [&](std::size_t part, std::size_t i) {
    // A weight of 0 may stand for minus infinity.
    auto x = weights[i] > 0.0f ? (scores[i] - best) * scale : 0.0f;
    parts[part] += double{weights[i]} * x;
    totals[part] += weights[i];
  };
  std::size_t i = 0;
  for (; i + lanes <= scores.size(); i += lanes)
    for (std::size_t j = 0; j < lanes; ++j)
      add(j, i + j);
  for (; i < scores.size(); ++i)
    add(0, i);
  double sum = 0.0, total = 0.0;
  for (std::size_t j = 0; j < lanes; ++j) {
    sum += parts[j];
    total += totals[j];
  }
  return sum / total;
}

MODEL_SERVER_WIDE void keys_by_weight(std::span<const float> weights,
                                      order_key* keys) {
  constexpr auto of_one = std::bit_cast<order_key>(1.0f);
  for (std::size_t i = 0; i < weights.size(); ++i)
    keys[i] = of_one - std::bit_cast<order_key>(weights[i]);
}

MODEL_SERVER_WIDE void keys_by_distance(std::span<const float> scores,
                                        float best, float scale, double mean,
                                        order_key* keys) {
  for (std::size_t i = 0; i < scores.size(); ++i) {
    auto x = double{(scores[i] - best) * scale};
    keys[i] = std::bit_cast<order_key>(static_cast<float>(std::abs(x - mean)));
  }
}

MODEL_SERVER_WIDE void find_keys(std::span<const order_key> keys,
                                 order_key first, order_key last,
                                 std::vector<std::size_t>& places) {
  auto look_at = [&](std::size_t i) {
    if (keys[i] >= first && keys[i] <= last)
      places.push_back(i);
  };
  std::size_t i = 0;
  for (; i + lanes <= keys.size(); i += lanes) {
    std::int32_t found = 0;
    for (std::size_t j = 0; j < lanes; ++j)
      found |= (keys[i + j] >= first ? 1 : 0) & (keys[i + j] <= last ? 1 : 0);
    if (found != 0)
      for (std::size_t j = 0; j < lanes; ++j)
        look_at(i + j);
  }
  for (; i < keys.size(); ++i)
    look_at(i);
}

MODEL_SERVER_WIDE void drop_above(std::span<float> weights,
                                  const order_key* keys, order_key last) {
  for (std::size_t i = 0; i < weights.size(); ++i)
    weights[i] = keys[i] > last ? 0.0f : weights[i];
}

MODEL_SERVER_WIDE void drop_below(std::span<float> weights, float least) {
  for (auto& weight : weights)
    weight = weight < least ? 0.0f : weight;
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
