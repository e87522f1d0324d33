// Answers that are complete at once.
#pragma once

#include "http/error_reply.hpp"
#include "http/exchange.hpp"

#include <string>

namespace model_server {

/// Answers, and says in the log what was refused.
void send_error(http_answer& answer, const http_request& request,
                const error_reply& error);

/// Answers with a JSON text that is not to be kept by anyone between.
void send_json(http_answer& answer, unsigned status, std::string body);

} // namespace model_server
