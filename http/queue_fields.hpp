// The fields of a body that say how many replies it wants, and how soon.
#pragma once

#include "http/chat_request.hpp"
#include "http/json_fields.hpp"

#include <cstddef>

namespace model_server {

/// Replies to one request at most, over all of its prompts.
inline constexpr std::size_t max_choices = 128;

/// Reads `n`, `priority` and `timeout`.
void read_queue_fields(json_fields& body, chat_request& call);

} // namespace model_server
