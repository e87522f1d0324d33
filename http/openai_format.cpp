// Puts OpenAI's answers into the order that clients depend on.
#include "http/openai_format.hpp"

#include <utility>

namespace model_server {

chat_format::chat_format(openai_frame frame, bool with_logprobs,
                         bool reports_usage)
    : frame_(std::move(frame)),
      with_logprobs_(with_logprobs),
      reports_usage_(reports_usage) {
  // nop
}

std::string chat_format::whole(std::string_view text,
                               std::span<const token> tokens,
                               const reply_summary& summary) {
  return chat_completion_json(frame_, text, tokens, with_logprobs_, summary);
}

std::string chat_format::opening() {
  return event({.part = chunk_part::role});
}

std::string chat_format::piece(std::string_view text, std::uint64_t,
                               std::span<const token> tokens) {
  return event({.text = text, .tokens = tokens});
}

std::string chat_format::ending(const reply_summary& summary) {
  auto result = event({.part = chunk_part::finish, .finish = summary.finish});
  if (reports_usage_)
    result +=
        event_of(usage_chunk_json(frame_, "chat.completion.chunk", summary));
  return result;
}

std::string chat_format::event(const chat_chunk& chunk) const {
  return event_of(chat_chunk_json(frame_, chunk, reports_usage_));
}

} // namespace model_server
