// Writes the events of a stream.
#include "http/streamed_answer.hpp"

#include "http/error_reply.hpp"

#include <utility>

namespace model_server {

bool streamed_answer::reports_progress() const {
  return true;
}

void streamed_answer::write_beginning() {
  send_head();
  // Clients build their list of choices in the order in which they appear.
  std::string events;
  for (std::size_t i = 0; i < choices().size(); ++i)
    events += format().opening(i);
  if (!events.empty())
    answer().write(std::move(events), 0);
  for (auto& [events_of_one, mark] : early_)
    answer().write(std::move(events_of_one), mark);
  early_.clear();
}

void streamed_answer::write_text(std::size_t choice, std::string_view piece,
                                 std::uint64_t last,
                                 std::span<const token> tokens) {
  send(format().piece(choice, piece, last, tokens),
       replies().mark(choice, last));
}

void streamed_answer::write_choice_end(std::size_t choice) {
  send(format().ending(choice, choices()[choice].summary), 0);
}

void streamed_answer::write_end(std::size_t choice, const usage_counts& usage) {
  answer().end(format().ending(choice, choices()[choice].summary)
               + format().closing(usage) + event_of("[DONE]"));
}

void streamed_answer::write_failure(const failure& reason) {
  auto error = to_error_reply(reason);
  if (has_head_)
    answer().end(event_of(error_body(error)));
  else
    answer().send(to_response(error));
}

void streamed_answer::write_ping() {
  // A client that is kept waiting for a worker needs a sign of life more than a
  // status that tells of a refusal.
  send_head();
  answer().write(": ping\n\n", 0);
}

void streamed_answer::send_head() {
  if (std::exchange(has_head_, true))
    return;
  http_response head;
  head.content_type = "text/event-stream";
  head.headers.emplace_back("cache-control", "no-store");
  // Tells nginx and its like not to gather events.
  head.headers.emplace_back("x-accel-buffering", "no");
  answer().begin(std::move(head));
}

void streamed_answer::send(std::string events, std::uint64_t mark) {
  if (has_begun())
    answer().write(std::move(events), mark);
  else
    early_.emplace_back(std::move(events), mark);
}

} // namespace model_server
