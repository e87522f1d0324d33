// Resolves what is in force for one reply.
#include "models/sampling.hpp"

namespace model_server {

sampling_params resolve(const sampling_options& request,
                        const sampling_options& model_defaults,
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
  pick(result.top_k, asked.top_k, model.top_k);
  pick(result.repetition_penalty, asked.repetition_penalty,
       model.repetition_penalty);
  pick(result.presence_penalty, asked.presence_penalty, model.presence_penalty);
  pick(result.frequency_penalty, asked.frequency_penalty,
       model.frequency_penalty);
  result.seed = seed;
  return result;
}

} // namespace model_server
