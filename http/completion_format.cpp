// Words completions: text where chats have messages.
#include "http/completion_format.hpp"

#include "http/logprobs_json.hpp"

#include <utility>

namespace model_server {

namespace {

constexpr auto object = "text_completion";

} // namespace

completion_format::completion_format(openai_frame frame,
                                     std::vector<std::string> repeated,
                                     bool with_logprobs, bool reports_usage)
    : frame_(std::move(frame)),
      repeated_(std::move(repeated)),
      with_logprobs_(with_logprobs),
      reports_usage_(reports_usage),
      offsets_(repeated_.size()) {
  // nop
}

std::string completion_format::whole(std::span<const written_choice> choices,
                                     const usage_counts& usage) {
  json_text out;
  begin_answer(out, frame_, object);
  out.key("choices").begin_list();
  for (std::size_t i = 0; i < choices.size(); ++i)
    write_choice(out, {.choice = i,
                       .text = repeated_[i] + choices[i].text,
                       .tokens = choices[i].tokens,
                       .has_logprobs = with_logprobs_,
                       .finish = choices[i].summary.finish});
  out.end_list();
  write_openai_usage(out, usage);
  out.end_object();
  return out.str();
}

std::string completion_format::opening(std::size_t choice) {
  if (repeated_[choice].empty())
    return {};
  return event({.choice = choice, .text = repeated_[choice]});
}

std::string completion_format::piece(std::size_t choice, std::string_view text,
                                     std::uint64_t,
                                     std::span<const token> tokens) {
  return event({.choice = choice,
                .text = text,
                .tokens = tokens,
                .has_logprobs = !tokens.empty()});
}

std::string completion_format::ending(std::size_t choice,
                                      const reply_summary& summary) {
  return event({.choice = choice, .finish = summary.finish});
}

std::string completion_format::closing(const usage_counts& usage) {
  if (!reports_usage_)
    return {};
  return event_of(usage_chunk_json(frame_, object, usage));
}

void completion_format::write_choice(json_text& out,
                                     const piece_of_text& what) {
  out.begin_object();
  out.key("index").number(std::uint64_t{what.choice});
  out.key("text").text(what.text);
  out.key("logprobs");
  if (what.has_logprobs)
    write_completion_logprobs(out, what.tokens, offsets_[what.choice]);
  else
    out.null();
  write_finish(out, what.finish);
  out.end_object();
}

std::string completion_format::event(const piece_of_text& what) {
  json_text out;
  begin_answer(out, frame_, object);
  out.key("choices").begin_list();
  write_choice(out, what);
  out.end_list();
  if (reports_usage_)
    out.key("usage").null();
  out.end_object();
  return event_of(out.view());
}

} // namespace model_server
