// Replies as JSON, in the dialect of /api/v1.
#include "http/call_format.hpp"

#include "http/logprobs_json.hpp"

#include <fmt/format.h>

#include <utility>

namespace model_server {

namespace {

void write_usage(json_text& out, const usage_counts& usage) {
  out.key("usage").begin_object();
  out.key("prompt_tokens").number(usage.prompt_tokens);
  out.key("completion_tokens").number(usage.completion_tokens);
  out.key("cached_tokens").number(usage.cached_tokens);
  out.end_object();
}

usage_counts usage_of(const reply_summary& summary) {
  return {summary.prompt_tokens, summary.completion_tokens,
          summary.cached_tokens};
}

// How and where a reply was made: with these, it can be made again.
void write_origin(json_text& out, const reply_summary& summary) {
  out.key("seed").number(summary.seed);
  out.key("device").text(summary.device);
}

} // namespace

call_format::call_format(std::string call_id, std::string model,
                         bool with_logprobs, std::size_t choices)
    : call_id_(std::move(call_id)),
      model_(std::move(model)),
      with_logprobs_(with_logprobs),
      choices_(choices) {
  // nop
}

// -- whole --------------------------------------------------------------------

std::string call_format::whole(std::span<const written_choice> choices,
                               const usage_counts& usage) {
  json_text out;
  out.begin_object();
  out.key("id").text(call_id_);
  out.key("model").text(model_);
  if (is_alone()) {
    write_choice(out, choices[0]);
  } else {
    out.key("choices").begin_list();
    for (std::size_t i = 0; i < choices.size(); ++i) {
      out.begin_object().key("index").number(std::uint64_t{i});
      write_choice(out, choices[i]);
      out.end_object();
    }
    out.end_list();
  }
  write_usage(out, usage);
  out.end_object();
  return out.str();
}

void call_format::write_choice(json_text& out,
                               const written_choice& choice) const {
  out.key("message").begin_object();
  out.key("role").text("agent").key("content").text(choice.text);
  out.end_object();
  if (with_logprobs_) {
    out.key("logprobs");
    write_logprobs(out, choice.tokens);
  }
  out.key("finish_reason").text(to_string(choice.summary.finish));
  write_origin(out, choice.summary);
}

// -- streamed -----------------------------------------------------------------

void call_format::place(std::size_t choice, std::string_view device) {
  auto& made = choices_[choice];
  if (made.device == device)
    return;
  made.device = device;
  made.has_moved = true;
}

std::string call_format::opening(std::size_t) {
  return {}; // the role comes with the first text
}

std::string call_format::piece(std::size_t choice, std::string_view text,
                               std::uint64_t last,
                               std::span<const token> tokens) {
  json_text out;
  begin_event(out, choice);
  write_delta(out, choice, text);
  if (!tokens.empty()) {
    out.key("logprobs");
    write_logprobs(out, tokens);
  }
  out.key("finish_reason").null();
  if (auto& made = choices_[choice]; std::exchange(made.has_moved, false))
    out.key("device").text(made.device);
  out.end_object();
  return numbered(choice, last, out);
}

std::string call_format::ending(std::size_t choice,
                                const reply_summary& summary) {
  json_text out;
  begin_event(out, choice);
  if (choices_[choice].has_begun)
    out.key("delta").begin_object().end_object();
  else
    write_delta(out, choice, "");
  out.key("finish_reason").text(to_string(summary.finish));
  if (is_alone())
    write_usage(out, usage_of(summary));
  write_origin(out, summary);
  out.end_object();
  return numbered(choice, summary.completion_tokens, out);
}

std::string call_format::closing(const usage_counts& usage) {
  if (is_alone())
    return {};
  json_text out;
  out.begin_object().key("id").text(call_id_);
  write_usage(out, usage);
  out.end_object();
  return event_of(out.view());
}

void call_format::begin_event(json_text& out, std::size_t choice) const {
  out.begin_object().key("id").text(call_id_);
  if (!is_alone())
    out.key("index").number(std::uint64_t{choice});
}

void call_format::write_delta(json_text& out, std::size_t choice,
                              std::string_view text) {
  out.key("delta").begin_object();
  if (!choices_[choice].has_begun)
    out.key("role").text("agent");
  choices_[choice].has_begun = true;
  out.key("content").text(text).end_object();
}

std::string call_format::numbered(std::size_t choice, std::uint64_t last,
                                  const json_text& data) const {
  if (is_alone())
    return fmt::format("id: {}\n{}", last, event_of(data.view()));
  return fmt::format("id: {}:{}\n{}", choice, last, event_of(data.view()));
}

} // namespace model_server
