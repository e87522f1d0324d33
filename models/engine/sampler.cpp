// Draws a token in a few passes over the vocabulary, without sorting it.
#include "models/engine/sampler.hpp"

#include "models/engine/fast_exp.hpp"
#include "models/engine/philox.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cmath>
#include <limits>
#include <utility>

namespace model_server {

namespace {

constexpr auto infinity = std::numeric_limits<float>::infinity();

// Weights are summed a block at a time: exact enough, and a draw looks into one
// block only.
constexpr std::size_t block = 256;

// Passes run over this many numbers side by side.
constexpr std::size_t lanes = 16;

struct score_range {
  float best = -infinity;
  bool has_nan = false;
};

score_range range_of(std::span<const float> scores) {
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
  score_range result;
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

// exp((score - best) * scale) for every score.
void write_weights(std::span<const float> scores, float best, float scale,
                   std::span<float> weights) {
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

// Eight buckets for each halving of a weight in (0, 1], the heaviest first.
std::size_t bucket_of(float weight) {
  return (std::bit_cast<std::uint32_t>(1.0f)
          - std::bit_cast<std::uint32_t>(weight))
         >> 20;
}
constexpr std::size_t bucket_count = (0x3F800000u >> 20) + 1;

} // namespace

std::optional<token_id> sampler::draw(std::span<float> scores,
                                      const sampling_params& params,
                                      std::span<const token_id> tokens,
                                      std::size_t prompt_size) {
  apply_penalties(scores, params, tokens, prompt_size);
  auto [best, has_nan] = range_of(scores);
  if (has_nan || std::isinf(best))
    return std::nullopt;
  if (params.temperature == 0.0)
    return static_cast<token_id>(std::ranges::find(scores, best)
                                 - scores.begin());
  ids_.clear();
  std::span<const float> candidates{scores};
  if (params.top_k > 0
      && static_cast<std::size_t>(params.top_k) < scores.size())
    candidates = keep_top_k(scores, static_cast<std::size_t>(params.top_k));
  weights_.resize(candidates.size());
  auto scale = std::min(1.0 / params.temperature,
                        double{std::numeric_limits<float>::max()});
  write_weights(candidates, best, static_cast<float>(scale), weights_);
  if (params.top_p < 1.0)
    keep_top_p(params.top_p);
  if (params.min_p > 0.0) {
    auto least_weight = static_cast<float>(params.min_p);
    for (auto& weight : weights_)
      weight = weight < least_weight ? 0.0f : weight;
  }
  auto index = pick(uniform_at(params.seed, tokens.size() - prompt_size));
  return ids_.empty() ? static_cast<token_id>(index) : ids_[index];
}

void sampler::apply_penalties(std::span<float> scores,
                              const sampling_params& params,
                              std::span<const token_id> tokens,
                              std::size_t prompt_size) {
  auto repetition = static_cast<float>(params.repetition_penalty);
  if (params.repetition_penalty == 1.0 && params.presence_penalty == 0.0
      && params.frequency_penalty == 0.0)
    return;
  counts_.resize(std::max(counts_.size(), scores.size()));
  // Each token once: the highest bit of its count says that it was seen.
  constexpr std::uint32_t seen = 1u << 31;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    auto& count = counts_[static_cast<std::size_t>(tokens[i])];
    if (i >= prompt_size)
      ++count;
    if ((count & seen) != 0)
      continue;
    count |= seen;
    auto& score = scores[static_cast<std::size_t>(tokens[i])];
    score = score < 0.0f ? score * repetition : score / repetition;
  }
  for (auto token : tokens) {
    auto id = static_cast<std::size_t>(token);
    auto count = std::exchange(counts_[id], 0u) & ~seen;
    if (count > 0)
      scores[id] -= static_cast<float>(params.presence_penalty
                                       + params.frequency_penalty * count);
  }
}

std::span<const float> sampler::keep_top_k(std::span<const float> scores,
                                           std::size_t k) {
  // Collects what beats the k-th best so far; halves the heap when it is full.
  auto room = std::max<std::size_t>(2 * k, 128);
  auto threshold = -infinity;
  auto prune = [&] {
    auto kth = best_.begin() + static_cast<std::ptrdiff_t>(k - 1);
    std::ranges::nth_element(best_, kth, std::greater<>{});
    best_.resize(k);
    threshold = best_.back();
  };
  best_.clear();
  for (auto score : scores)
    if (score > threshold) {
      best_.push_back(score);
      if (best_.size() == room)
        prune();
    }
  if (best_.size() >= k)
    prune();
  // All that are as good, by id.
  best_.clear();
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (scores[i] >= threshold) {
      best_.push_back(scores[i]);
      ids_.push_back(static_cast<token_id>(i));
    }
  return best_;
}

void sampler::keep_top_p(double top_p) {
  // How much of the mass lies in which range of weights.
  masses_.assign(bucket_count, 0.0);
  for (auto weight : weights_)
    if (weight > 0.0f)
      masses_[bucket_of(weight)] += weight;
  double total = 0.0;
  for (auto mass : masses_)
    total += mass;
  auto target = top_p * total;
  double before = 0.0;
  std::size_t last = 0;
  while (last + 1 < bucket_count && before + masses_[last] < target)
    before += masses_[last++];
  // Only the range in which the target is reached needs an order.
  std::vector<std::pair<float, std::size_t>> border;
  for (std::size_t i = 0; i < weights_.size(); ++i)
    if (bucket_of(weights_[i]) == last)
      border.emplace_back(-weights_[i], i);
  std::ranges::sort(border);
  for (auto [negative, id] : border) {
    if (before >= target && before > 0.0)
      weights_[id] = 0.0f;
    before -= negative;
  }
  for (auto& weight : weights_)
    weight = bucket_of(weight) > last ? 0.0f : weight;
}

std::size_t sampler::pick(double uniform) {
  // Sums of blocks of weights, then one block is walked through.
  std::span<const float> weights{weights_};
  auto block_at = [&](std::size_t i) {
    return weights.subspan(i * block,
                           std::min(block, weights.size() - i * block));
  };
  masses_.clear();
  double total = 0.0;
  for (std::size_t i = 0; i * block < weights.size(); ++i) {
    masses_.push_back(sum(block_at(i)));
    total += masses_.back();
  }
  auto left = uniform * total;
  for (std::size_t i = 0; i < masses_.size(); ++i) {
    if (left >= masses_[i]) {
      left -= masses_[i];
      continue;
    }
    // Rounding may lead past the end of the block: then it is the last that
    // can be drawn.
    std::size_t result = 0;
    for (std::size_t j = 0; j < block_at(i).size(); ++j) {
      auto weight = block_at(i)[j];
      if (weight == 0.0f)
        continue;
      result = i * block + j;
      if (left < weight)
        break;
      left -= weight;
    }
    return result;
  }
  auto last = weights.size() - 1;
  while (weights[last] == 0.0f)
    --last;
  return last;
}

} // namespace model_server
