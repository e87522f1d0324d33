// Changes scores before the warpers see them.
#include "models/engine/penalties.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace model_server {

namespace {

void forbid(std::span<float> scores, std::span<const token_id> tokens) {
  // A model may name end tokens that its network does not know.
  for (auto token : tokens)
    if (static_cast<std::size_t>(token) < scores.size())
      scores[static_cast<std::size_t>(token)] =
          -std::numeric_limits<float>::infinity();
}

} // namespace

void penalties::apply(std::span<float> scores, const sampling_params& params,
                      std::span<const token_id> tokens,
                      std::size_t prompt_size) {
  for (auto [id, bias] : params.logit_bias)
    scores[static_cast<std::size_t>(id)] += static_cast<float>(bias);
  if (params.repetition_penalty != 1.0 || params.presence_penalty != 0.0
      || params.frequency_penalty != 0.0)
    punish(scores, params, tokens, prompt_size);
  auto is_early = tokens.size() - prompt_size < params.min_tokens;
  if (is_early || params.ignore_eos)
    forbid(scores, params.end_tokens);
  if (is_early)
    forbid(scores, params.stop_tokens);
}

void penalties::punish(std::span<float> scores, const sampling_params& params,
                       std::span<const token_id> tokens,
                       std::size_t prompt_size) {
  auto repetition = static_cast<float>(params.repetition_penalty);
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

} // namespace model_server
