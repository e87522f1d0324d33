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

std::string chat_format::whole(std::span<const written_choice> choices,
                               const usage_counts& usage) {
  return chat_completion_json(frame_, choices, with_logprobs_, usage);
}

std::string chat_format::opening(std::size_t choice) {
  return event({.index = choice, .part = chunk_part::role});
}

std::string chat_format::piece(std::size_t choice, std::string_view text,
                               std::uint64_t, std::span<const token> tokens) {
  return event({.index = choice, .text = text, .tokens = tokens});
}

std::string chat_format::ending(std::size_t choice,
                                const reply_summary& summary) {
  return event(
      {.index = choice, .part = chunk_part::finish, .finish = summary.finish});
}

std::string chat_format::closing(const usage_counts& usage) {
  if (!reports_usage_)
    return {};
  return event_of(usage_chunk_json(frame_, "chat.completion.chunk", usage));
}

std::string chat_format::event(const chat_chunk& chunk) const {
  return event_of(chat_chunk_json(frame_, chunk, reports_usage_));
}

} // namespace model_server
