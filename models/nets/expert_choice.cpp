// Chooses experts as the published routers do: softmax (Mixtral, Qwen), groups
// (DeepSeek-V2), sigmoid with a correction (DeepSeek-V3).
#include "models/nets/expert_choice.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace model_server {

namespace {

using scoring = experts_spec::scoring;

void softmax(std::span<float> scores) {
  auto most = *std::ranges::max_element(scores);
  auto sum = 0.0f;
  for (auto& score : scores)
    sum += score = std::exp(score - most);
  for (auto& score : scores)
    score /= sum;
}

void sigmoid(std::span<float> scores) {
  for (auto& score : scores)
    score = 1.0f / (1.0f + std::exp(-score));
}

// Indexes of the `count` largest, in order.
std::vector<std::size_t> best_of(std::span<const float> values,
                                 std::size_t count) {
  std::vector<std::size_t> result(values.size());
  std::iota(result.begin(), result.end(), std::size_t{0});
  auto end = result.begin() + static_cast<std::ptrdiff_t>(count);
  std::partial_sort(result.begin(), end, result.end(),
                    [&](std::size_t a, std::size_t b) {
                      // Numbers that are none come last.
                      auto x = std::isnan(values[a]) ? -INFINITY : values[a];
                      auto y = std::isnan(values[b]) ? -INFINITY : values[b];
                      return x > y || (!(x < y) && a < b);
                    });
  result.erase(end, result.end());
  std::ranges::sort(result);
  return result;
}

// Experts outside the best groups cannot be chosen.
void leave_groups(const experts_spec& spec, std::span<float> choice) {
  auto size = choice.size() / spec.groups;
  std::vector<float> worth;
  for (std::size_t g = 0; g < spec.groups; ++g) {
    auto group = choice.subspan(g * size, size);
    auto best = -std::numeric_limits<float>::infinity();
    auto second = best;
    for (auto value : group) {
      second = std::max(second, std::min(best, value));
      best = std::max(best, value);
    }
    worth.push_back(spec.counts_two_of_group && size > 1 ? best + second
                                                         : best);
  }
  std::vector<bool> stays(spec.groups);
  for (auto g : best_of(worth, spec.chosen_groups))
    stays[g] = true;
  for (std::size_t i = 0; i < choice.size(); ++i)
    if (!stays[i / size])
      choice[i] = -std::numeric_limits<float>::infinity();
}

} // namespace

void choose_experts(const experts_spec& spec, std::span<float> scores,
                    std::span<const float> correction,
                    std::vector<chosen_expert>& result) {
  if (spec.score == scoring::softmax)
    softmax(scores);
  else if (spec.score == scoring::sigmoid)
    sigmoid(scores);
  std::vector<float> choice(scores.begin(), scores.end());
  for (std::size_t i = 0; i < correction.size(); ++i)
    choice[i] += correction[i];
  if (spec.groups > 1)
    leave_groups(spec, choice);
  result.clear();
  std::vector<float> weights;
  auto chosen = best_of(choice, spec.chosen);
  for (auto index : chosen)
    weights.push_back(scores[index]);
  if (spec.score == scoring::softmax_of_chosen)
    softmax(weights);
  auto sum = std::accumulate(weights.begin(), weights.end(), 0.0f);
  auto scale = static_cast<float>(spec.scale);
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    auto weight = spec.is_normalized ? weights[i] / sum : weights[i];
    result.push_back({chosen[i], weight * scale});
  }
}

} // namespace model_server
