// Draws the next token of a reply from its scores.
#include "models/engine/sampler.hpp"

#include "models/engine/logprobs.hpp"
#include "models/engine/philox.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace model_server {

std::optional<token_id> sampler::draw(std::span<float> scores,
                                      const sampling_params& params,
                                      std::span<const token_id> tokens,
                                      std::size_t prompt_size) {
  penalties_.apply(scores, params, tokens, prompt_size);
  auto [best, has_nan] = range_of(scores);
  if (has_nan || std::isinf(best))
    return std::nullopt;
  if (params.temperature == 0.0)
    return static_cast<token_id>(std::ranges::find(scores, best)
                                 - scores.begin());
  candidates_.warp(scores, best, params);
  return candidates_.draw(uniform_at(params.seed, tokens.size() - prompt_size));
}

void sampler::extend(sequence& item, std::span<float> scores) {
  auto wanted = item.sampling.top_logprobs;
  if (wanted)
    own_scores_.assign(scores.begin(), scores.end());
  auto token = draw(scores, item.sampling, item.tokens, item.prompt_size);
  if (!token) {
    item.failure = fmt::format("the model gave scores that are no numbers for "
                               "token {} of the reply",
                               item.reply_size() + 1);
    return;
  }
  item.tokens.push_back(*token);
  if (wanted)
    item.logprobs.push_back(logprobs_of(own_scores_, *token, *wanted, best_));
}

} // namespace model_server
