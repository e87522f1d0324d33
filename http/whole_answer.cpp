// Sends the choices of a request as one JSON answer.
#include "http/whole_answer.hpp"

#include "http/error_reply.hpp"
#include "http/plain_answers.hpp"

namespace model_server {

bool whole_answer::reports_progress() const {
  return false;
}

void whole_answer::write_beginning() {
  // Nothing is sent before everything is complete: it may still fail.
}

void whole_answer::write_text(std::size_t choice, std::string_view piece,
                              std::uint64_t, std::span<const token> tokens) {
  auto& item = choices()[choice];
  item.text += piece;
  item.tokens.insert(item.tokens.end(), tokens.begin(), tokens.end());
}

void whole_answer::write_choice_end(std::size_t) {
  // It waits for the others.
}

void whole_answer::write_end(std::size_t, const usage_counts& usage) {
  send_json(answer(), 200, format().whole(choices(), usage));
}

void whole_answer::write_failure(const failure& reason) {
  answer().send(to_response(to_error_reply(reason)));
}

void whole_answer::write_ping() {
  // A whole answer has no place for it.
}

} // namespace model_server
