// Logs what is said in a request.
#include "http/logging_writer.hpp"

#include "config/logging.hpp"
#include "config/quote.hpp"

namespace model_server {

namespace {

/// Enough for the log to see that there was more.
constexpr auto kept_bytes = 2 * shown_text_bytes;

std::string last_words(const reply_prompt& prompt) {
  const auto& messages = prompt.conversation.messages;
  const auto& words = messages.empty() ? prompt.text : messages.back().content;
  return words.substr(0, kept_bytes);
}

} // namespace

logging_writer::logging_writer(std::unique_ptr<reply_writer> next,
                               const request_names& names,
                               const generation_request& request)
    : passing_writer(std::move(next)),
      names_(names),
      prompt_(last_words(request.prompt)) {
  // nop
}

// A client that leaves gets neither an end nor a failure.
logging_writer::~logging_writer() {
  log_event(log_level::info, "request_contents",
            {{"request_id", names_.public_id},
             {"trace_id", optional_text{names_.trace.trace_id}},
             {"span_id", optional_text{names_.trace.span_id}},
             {"prompt", private_text{prompt_}},
             {"reply", private_text{reply_}}});
}

void logging_writer::text(std::string_view piece, std::uint64_t last,
                          std::span<const token> tokens) {
  reply_ += piece.substr(0, kept_bytes - reply_.size());
  passing_writer::text(piece, last, tokens);
}

} // namespace model_server
