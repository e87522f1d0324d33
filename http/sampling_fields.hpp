// The fields of a body that say how tokens are drawn and when they end.
#pragma once

#include "http/json_fields.hpp"
#include "models/sampling.hpp"

#include <string>
#include <vector>

namespace model_server {

/// Reads everything of `sampling_options` from a body, with its ranges;
/// `logprobs` and `top_logprobs` as OpenAI has them.
sampling_options read_sampling(json_fields& body);

/// Reads `stop`: a string or up to 16.
std::vector<std::string> read_stop(json_fields& body);

} // namespace model_server
