// The fields of a body that say how tokens are drawn and when they end.
#pragma once

#include "actors/messages.hpp"
#include "http/json_fields.hpp"
#include "models/sampling.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// The two ways of OpenAI's to ask for logprobs: `logprobs` as a truth value
/// with `top_logprobs` up to 20, or as their number up to 5.
enum class logprobs_form { chat, completion };

/// Reads everything of `sampling_options` from a body, with its ranges.
sampling_options read_sampling(json_fields& body,
                               logprobs_form form = logprobs_form::chat);

/// Reads the token ids of a list that is the field of this name, or in it.
std::vector<token_id> read_token_ids(json_fields& body, std::string_view name,
                                     const rapidjson::Value& list);

/// Reads how many tokens a reply may have, from a field of this name; 0 if it
/// is absent.
std::uint32_t read_max_tokens(json_fields& body, std::string_view name);

/// Refuses a `min_tokens` that is more than the reply may have.
void check_min_tokens(json_fields& body, const generation_request& request);

/// Reads `stop`: a string or up to 16.
std::vector<std::string> read_stop(json_fields& body);

} // namespace model_server
