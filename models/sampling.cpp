// Resolves what is in force for one reply.
#include "models/sampling.hpp"

#include <algorithm>

namespace model_server {

bool sampling_params::is_end(token_id token, std::size_t reply_size) const {
  auto is_in = [token](const std::vector<token_id>& list) {
    return std::ranges::find(list, token) != list.end();
  };
  return is_in(end_tokens) || (reply_size >= min_tokens && is_in(stop_tokens));
}

sampling_params resolve(const sampling_options& request,
                        const sampling_options& model_defaults,
                        std::span<const token_id> end_tokens,
                        std::uint64_t seed) {
  sampling_params result;
  auto pick = [](auto& target, const auto& first, const auto& second) {
    if (first)
      target = *first;
    else if (second)
      target = *second;
  };
  const auto& asked = request;
  const auto& model = model_defaults;
  pick(result.temperature, asked.temperature, model.temperature);
  pick(result.top_p, asked.top_p, model.top_p);
  pick(result.min_p, asked.min_p, model.min_p);
  pick(result.typical_p, asked.typical_p, model.typical_p);
  pick(result.top_k, asked.top_k, model.top_k);
  pick(result.repetition_penalty, asked.repetition_penalty,
       model.repetition_penalty);
  pick(result.presence_penalty, asked.presence_penalty, model.presence_penalty);
  pick(result.frequency_penalty, asked.frequency_penalty,
       model.frequency_penalty);
  result.logit_bias = asked.logit_bias;
  result.stop_tokens = asked.stop_tokens;
  result.end_tokens.assign(end_tokens.begin(), end_tokens.end());
  result.min_tokens = asked.min_tokens;
  result.ignore_eos = asked.ignore_eos;
  result.top_logprobs = asked.top_logprobs;
  result.seed = seed;
  return result;
}

} // namespace model_server
