// Changes scores before the warpers see them: biases, penalties, and tokens
// that must not come.
#pragma once

#include "models/sampling.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace model_server {

/// What transformers calls processors. A function of its arguments alone; an
/// object holds nothing but memory to work in.
class penalties {
public:
  /// In this order: logit_bias (added), repetition_penalty (over `tokens`, each
  /// once: positive scores are divided by it, negative ones multiplied),
  /// presence_penalty and frequency_penalty (over what follows the first
  /// `prompt_size`: subtracted once, and once for each time it occurs). Then
  /// tokens that cannot be drawn get minus infinity: end and stop tokens while
  /// the reply has fewer than min_tokens, end tokens ever if ignore_eos says
  /// so. Every token is below `scores.size()`.
  void apply(std::span<float> scores, const sampling_params& params,
             std::span<const token_id> tokens, std::size_t prompt_size);

private:
  void punish(std::span<float> scores, const sampling_params& params,
              std::span<const token_id> tokens, std::size_t prompt_size);

  // How often a token occurs in the reply; all 0 between calls.
  std::vector<std::uint32_t> counts_;
};

} // namespace model_server
