// What transformers defines sampling to be, slowly and obviously, over maps of
// chances in double precision.
#pragma once

#include "models/sampling.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <utility>
#include <vector>

namespace model_server::testing {

using scores_t = std::vector<float>;
/// Chances by token; what cannot be drawn is not there.
using chances_t = std::map<token_id, double>;

inline chances_t normalized(chances_t all) {
  double total = 0.0;
  for (auto [id, chance] : all)
    total += chance;
  for (auto& [id, chance] : all)
    chance /= total;
  return all;
}

/// Keeps tokens in the order of `rank` until their chances reach `mass`; those
/// that rank as the last one stay too if `with_ties`.
template <class Rank>
chances_t keep_until(const chances_t& all, double mass, bool with_ties,
                     Rank rank) {
  std::vector<std::pair<double, token_id>> order;
  for (auto [id, chance] : all)
    order.emplace_back(rank(chance), id);
  std::sort(order.begin(), order.end());
  chances_t result;
  double sum = 0.0, last = 0.0;
  for (auto [place, id] : order) {
    if (sum >= mass && !(with_ties && place == last))
      break;
    result[id] = all.at(id);
    sum += all.at(id);
    last = place;
  }
  return normalized(result);
}

inline chances_t slow_top_k(const chances_t& all, std::size_t k) {
  std::vector<double> order;
  for (auto [id, chance] : all)
    order.push_back(chance);
  std::sort(order.rbegin(), order.rend());
  chances_t result;
  for (auto [id, chance] : all)
    if (chance >= order[std::min(k, order.size()) - 1])
      result[id] = chance;
  return normalized(result);
}

inline chances_t slow_min_p(const chances_t& all, double min_p) {
  double best = 0.0;
  for (auto [id, chance] : all)
    best = std::max(best, chance);
  chances_t result;
  for (auto [id, chance] : all)
    if (chance >= min_p * best)
      result[id] = chance;
  return normalized(result);
}

inline chances_t slow_typical(const chances_t& all, double typical_p) {
  double entropy = 0.0;
  for (auto [id, chance] : all)
    entropy -= chance * std::log(chance);
  return keep_until(all, typical_p, true, [=](double chance) {
    return std::abs(-std::log(chance) - entropy);
  });
}

/// The chances of the token that follows `tokens`.
inline chances_t slow_chances(scores_t scores, const sampling_params& params,
                              const std::vector<token_id>& tokens,
                              std::size_t prompt_size) {
  for (auto [id, bias] : params.logit_bias)
    scores[static_cast<std::size_t>(id)] += static_cast<float>(bias);
  for (token_id id = 0; id < static_cast<token_id>(scores.size()); ++id) {
    auto& score = scores[static_cast<std::size_t>(id)];
    auto reply_begin =
        tokens.begin() + static_cast<std::ptrdiff_t>(prompt_size);
    auto count = std::count(reply_begin, tokens.end(), id);
    auto penalty = static_cast<float>(params.repetition_penalty);
    if (std::count(tokens.begin(), tokens.end(), id) > 0)
      score = score < 0 ? score * penalty : score / penalty;
    if (count > 0)
      score -= static_cast<float>(params.presence_penalty
                                  + params.frequency_penalty
                                        * static_cast<double>(count));
  }
  auto is_early = tokens.size() - prompt_size < params.min_tokens;
  for (auto id : params.end_tokens)
    if (is_early || params.ignore_eos)
      scores[static_cast<std::size_t>(id)] =
          -std::numeric_limits<float>::infinity();
  for (auto id : params.stop_tokens)
    if (is_early)
      scores[static_cast<std::size_t>(id)] =
          -std::numeric_limits<float>::infinity();
  chances_t result;
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (scores[i] > -std::numeric_limits<float>::infinity())
      result[static_cast<token_id>(i)] =
          std::exp(double{scores[i]} / params.temperature);
  result = normalized(result);
  if (params.top_k > 0)
    result = slow_top_k(result, static_cast<std::size_t>(params.top_k));
  if (params.top_p < 1.0)
    result = keep_until(result, params.top_p, false,
                        [](double chance) { return -chance; });
  if (params.min_p > 0.0)
    result = slow_min_p(result, params.min_p);
  if (params.typical_p < 1.0)
    result = slow_typical(result, params.typical_p);
  return result;
}

/// Normally distributed.
inline scores_t random_scores(std::size_t count, std::uint32_t seed,
                              float spread) {
  std::mt19937 random{seed};
  std::normal_distribution<float> normal{0.0f, spread};
  scores_t result(count);
  for (auto& score : result)
    score = normal(random);
  return result;
}

} // namespace model_server::testing
