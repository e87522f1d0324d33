// The messages of a body, in the dialect it is written in.
#pragma once

#include "http/json_fields.hpp"
#include "models/chat.hpp"

#include <optional>

namespace model_server {

/// Whose rules a body follows. /api/v1 refuses fields it doesn't know and a
/// system message at the end; OpenAI's clients send whatever they like beside
/// what they mean, and call some roles otherwise.
enum class dialect { api_v1, openai };

/// Reads `messages`. Content that is no text is an error in both dialects, and
/// so are calls of tools.
chat read_messages(json_fields& body, std::optional<error_reply>& error,
                   dialect rules);

} // namespace model_server
