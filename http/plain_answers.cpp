// Answers that are complete at once.
#include "http/plain_answers.hpp"

#include "config/logging.hpp"

#include <utility>

namespace model_server {

void send_error(http_answer& answer, const http_request& request,
                const error_reply& error) {
  log_event(log_level::info, "request_refused",
            {{"request_id", request.request_id},
             {"trace_id", optional_text{request.trace.trace_id}},
             {"span_id", optional_text{request.trace.span_id}},
             {"key", request.key_name},
             {"status", error.status},
             {"code", error.code}});
  answer.send(to_response(error));
}

void send_json(http_answer& answer, unsigned status, std::string body) {
  http_response response;
  response.status = status;
  response.body = std::move(body);
  response.headers.emplace_back("cache-control", "no-store");
  answer.send(std::move(response));
}

} // namespace model_server
