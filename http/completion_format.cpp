// Words completions: text where chats have messages.
#include "http/completion_format.hpp"

#include "http/logprobs_json.hpp"

#include <utility>

namespace model_server {

namespace {

constexpr auto object = "text_completion";

} // namespace

completion_format::completion_format(openai_frame frame, std::string repeated,
                                     bool with_logprobs, bool reports_usage)
    : frame_(std::move(frame)),
      repeated_(std::move(repeated)),
      with_logprobs_(with_logprobs),
      reports_usage_(reports_usage) {
  // nop
}

std::string completion_format::whole(std::string_view text,
                                     std::span<const token> tokens,
                                     const reply_summary& summary) {
  json_text out;
  begin_answer(out, frame_, object);
  write_choice(out, repeated_ + std::string{text}, tokens, with_logprobs_,
               summary.finish);
  write_openai_usage(out, summary);
  out.end_object();
  return out.str();
}

std::string completion_format::opening() {
  return repeated_.empty() ? "" : event(repeated_, {}, finish_reason::none);
}

std::string completion_format::piece(std::string_view text, std::uint64_t,
                                     std::span<const token> tokens) {
  return event(text, tokens, finish_reason::none);
}

std::string completion_format::ending(const reply_summary& summary) {
  auto result = event("", {}, summary.finish);
  if (reports_usage_)
    result += event_of(usage_chunk_json(frame_, object, summary));
  return result;
}

void completion_format::write_choice(json_text& out, std::string_view text,
                                     std::span<const token> tokens,
                                     bool has_logprobs, finish_reason finish) {
  out.key("choices").begin_list().begin_object();
  out.key("index").number(0U);
  out.key("text").text(text);
  out.key("logprobs");
  if (has_logprobs)
    write_completion_logprobs(out, tokens, offset_);
  else
    out.null();
  write_finish(out, finish);
  out.end_object().end_list();
}

std::string completion_format::event(std::string_view text,
                                     std::span<const token> tokens,
                                     finish_reason finish) {
  json_text out;
  begin_answer(out, frame_, object);
  write_choice(out, text, tokens, !tokens.empty(), finish);
  if (reports_usage_)
    out.key("usage").null();
  out.end_object();
  return event_of(out.view());
}

} // namespace model_server
