// Passes an answer on, with what the door has to say.
#include "http/guarded_answer.hpp"

#include <utility>

namespace model_server {

guarded_answer::guarded_answer(std::unique_ptr<http_answer> next,
                               http_headers headers,
                               std::shared_ptr<key_usage> usage,
                               bool is_counted)
    : next_(std::move(next)),
      headers_(std::move(headers)),
      usage_(std::move(usage)),
      is_counted_(is_counted) {
  // nop
}

guarded_answer::~guarded_answer() {
  count_out();
}

void guarded_answer::watch(answer_events events) {
  next_->watch(std::move(events));
}

void guarded_answer::send(http_response response) {
  add_headers(response);
  // Before the client has the answer: its next request may come at once.
  count_out();
  next_->send(std::move(response));
}

void guarded_answer::begin(http_response head) {
  add_headers(head);
  next_->begin(std::move(head));
}

void guarded_answer::write(std::string piece, std::uint64_t mark) {
  next_->write(std::move(piece), mark);
}

void guarded_answer::end(std::string last_piece) {
  count_out();
  next_->end(std::move(last_piece));
}

void guarded_answer::add_headers(http_response& response) {
  auto add = [&](const http_headers& headers) {
    response.headers.insert(response.headers.end(), headers.begin(),
                            headers.end());
  };
  add(headers_);
  if (usage_)
    add(usage_->headers(std::chrono::steady_clock::now()));
}

void guarded_answer::count_out() {
  if (std::exchange(is_counted_, false))
    usage_->end_request();
}

} // namespace model_server
