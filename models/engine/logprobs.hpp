// How likely the model itself finds tokens.
#pragma once

#include "models/engine/score_passes.hpp"
#include "models/token.hpp"

#include <cstddef>
#include <span>

namespace model_server {

/// The logarithm of the softmax of `scores`, the model's own, before biases,
/// penalties and temperature: of the token that was drawn and of the `count`
/// best. The scores have no NaN and a finite best one. `memory` is to work in.
place_logprobs logprobs_of(std::span<const float> scores, token_id drawn,
                           std::size_t count, best_scores& memory);

} // namespace model_server
