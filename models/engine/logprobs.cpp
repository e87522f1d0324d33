// How likely the model itself finds tokens.
#include "models/engine/logprobs.hpp"

#include <algorithm>

namespace model_server {

place_logprobs logprobs_of(std::span<const float> scores, token_id drawn,
                           std::size_t count, best_scores& memory) {
  auto log_total = log_sum_of_exp(scores, range_of(scores).best);
  auto logprob = [=](float score) {
    return std::max(static_cast<float>(score - log_total), least_logprob);
  };
  place_logprobs result;
  result.drawn = logprob(scores[static_cast<std::size_t>(drawn)]);
  if (count == 0)
    return result;
  auto found = memory.find(scores, count);
  std::vector<scored_token> order{found.begin(), found.end()};
  // Found by id, so lower ids stay first among equals.
  std::ranges::stable_sort(order, std::ranges::greater{}, &scored_token::score);
  order.resize(std::min(order.size(), count));
  for (const auto& one : order)
    result.best.push_back({one.id, logprob(one.score)});
  return result;
}

} // namespace model_server
