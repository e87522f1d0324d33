// Writes the events of a stream.
#include "http/sse_writer.hpp"

#include "http/error_reply.hpp"

#include <fmt/format.h>

#include <utility>

namespace model_server {

sse_writer::sse_writer(std::unique_ptr<http_answer> answer,
                       std::unique_ptr<reply_format> format)
    : answer_(std::move(answer)), format_(std::move(format)) {
  // nop
}

void sse_writer::begin(const admitted&) {
  send_head();
  if (auto events = format_->opening(); !events.empty())
    answer_->write(std::move(events), 0);
}

void sse_writer::send_head() {
  if (std::exchange(has_begun_, true))
    return;
  http_response head;
  head.content_type = "text/event-stream";
  head.headers.emplace_back("cache-control", "no-store");
  // Tells nginx and its like not to gather events.
  head.headers.emplace_back("x-accel-buffering", "no");
  answer_->begin(std::move(head));
}

void sse_writer::text(std::string_view piece, std::uint64_t last,
                      std::span<const token> tokens) {
  answer_->write(format_->piece(piece, last, tokens), last);
}

void sse_writer::end(const reply_summary& summary) {
  answer_->end(format_->ending(summary) + "data: [DONE]\n\n");
}

void sse_writer::fail(const failure& reason) {
  auto error = to_error_reply(reason);
  if (has_begun_)
    answer_->end(fmt::format("data: {}\n\n", error_body(error)));
  else
    answer_->send(to_response(error));
}

void sse_writer::ping() {
  // A client that is kept waiting for a worker needs a sign of life more than a
  // status that tells of a refusal.
  send_head();
  answer_->write(": ping\n\n", 0);
}

bool sse_writer::reports_progress() const {
  return true;
}

} // namespace model_server
