// Sends a reply as one JSON answer.
#include "http/json_writer.hpp"

#include "http/api_v1.hpp"
#include "http/error_reply.hpp"

namespace model_server {

json_writer::json_writer(std::unique_ptr<http_answer> answer,
                         std::string call_id, std::string model,
                         bool with_logprobs)
    : answer_(std::move(answer)),
      call_id_(std::move(call_id)),
      model_(std::move(model)),
      with_logprobs_(with_logprobs) {
  // nop
}

void json_writer::begin(const admitted&) {
  // Nothing is sent before the reply is complete: it may still fail.
}

void json_writer::text(std::string_view piece, std::uint64_t,
                       std::span<const token> tokens) {
  text_ += piece;
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
}

void json_writer::end(const reply_summary& summary) {
  http_response response;
  response.headers.emplace_back("cache-control", "no-store");
  response.body = reply_json(call_id_, model_, text_,
                             with_logprobs_ ? &tokens_ : nullptr, summary);
  answer_->send(std::move(response));
}

void json_writer::fail(const failure& reason) {
  answer_->send(to_response(to_error_reply(reason)));
}

void json_writer::ping() {
  // A whole answer has no place for it.
}

bool json_writer::reports_progress() const {
  return false;
}

} // namespace model_server
