// Sends a reply as one JSON answer.
#include "http/json_writer.hpp"

#include "http/error_reply.hpp"
#include "http/plain_answers.hpp"

#include <utility>

namespace model_server {

json_writer::json_writer(std::unique_ptr<http_answer> answer,
                         std::unique_ptr<reply_format> format)
    : answer_(std::move(answer)), format_(std::move(format)) {
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
  send_json(*answer_, 200, format_->whole(text_, tokens_, summary));
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
