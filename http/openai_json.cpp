// Writes OpenAI's answers, key by key.
#include "http/openai_json.hpp"

#include "config/version.hpp"
#include "http/logprobs_json.hpp"

#include <fmt/format.h>

#include <chrono>

namespace model_server {

namespace {

void write_chat_logprobs(json_text& out, std::span<const token> tokens) {
  out.begin_object().key("content");
  write_token_logprobs(out, tokens);
  out.key("refusal").null().end_object();
}

void write_model(json_text& out, const model_status& model,
                 std::uint64_t created) {
  out.begin_object();
  out.key("id").text(model.name);
  out.key("object").text("model");
  out.key("created").number(created);
  out.key("owned_by").text("model-server");
  // Not OpenAI's: what a client that may not see the status has to know.
  out.key("entry").text(model.entry);
  out.key("state").text(to_string(model.state));
  out.key("load").text(model.loads_on_demand ? "on_demand" : "manual");
  out.end_object();
}

void write_delta(json_text& out, const chat_chunk& chunk) {
  out.key("delta").begin_object();
  switch (chunk.part) {
  case chunk_part::role:
    out.key("role").text("assistant").key("content").text("");
    break;
  case chunk_part::content:
    out.key("content").text(chunk.text);
    break;
  case chunk_part::finish:
    break;
  }
  out.end_object();
}

} // namespace

std::uint64_t unix_seconds() {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::seconds>(
          std::chrono::system_clock::now().time_since_epoch())
          .count());
}

void begin_answer(json_text& out, const openai_frame& frame,
                  std::string_view object) {
  out.begin_object();
  out.key("id").text(frame.id);
  out.key("object").text(object);
  out.key("created").number(frame.created);
  out.key("model").text(frame.model);
  out.key("system_fingerprint").text(fmt::format("fp_{}", server_version()));
}

void write_finish(json_text& out, finish_reason finish) {
  out.key("finish_reason");
  if (finish == finish_reason::none)
    out.null();
  else
    out.text(to_string(finish));
}

void write_openai_usage(json_text& out, const usage_counts& usage) {
  out.key("usage").begin_object();
  out.key("prompt_tokens").number(usage.prompt_tokens);
  out.key("completion_tokens").number(usage.completion_tokens);
  out.key("total_tokens").number(usage.prompt_tokens + usage.completion_tokens);
  out.key("prompt_tokens_details").begin_object();
  out.key("cached_tokens").number(usage.cached_tokens).end_object();
  out.key("completion_tokens_details").begin_object();
  out.key("reasoning_tokens").number(0U).end_object();
  out.end_object();
}

std::string chat_completion_json(const openai_frame& frame,
                                 std::span<const written_choice> choices,
                                 bool with_logprobs,
                                 const usage_counts& usage) {
  json_text out;
  begin_answer(out, frame, "chat.completion");
  out.key("choices").begin_list();
  for (std::size_t i = 0; i < choices.size(); ++i) {
    out.begin_object();
    out.key("index").number(std::uint64_t{i});
    out.key("message").begin_object();
    out.key("role").text("assistant");
    out.key("content").text(choices[i].text);
    out.key("refusal").null().end_object();
    out.key("logprobs");
    if (with_logprobs)
      write_chat_logprobs(out, choices[i].tokens);
    else
      out.null();
    write_finish(out, choices[i].summary.finish);
    out.end_object();
  }
  out.end_list();
  write_openai_usage(out, usage);
  out.end_object();
  return out.str();
}

std::string chat_chunk_json(const openai_frame& frame, const chat_chunk& chunk,
                            bool names_usage) {
  json_text out;
  begin_answer(out, frame, "chat.completion.chunk");
  out.key("choices").begin_list().begin_object();
  out.key("index").number(std::uint64_t{chunk.index});
  write_delta(out, chunk);
  out.key("logprobs");
  if (chunk.tokens.empty())
    out.null();
  else
    write_chat_logprobs(out, chunk.tokens);
  write_finish(out, chunk.finish);
  out.end_object().end_list();
  if (names_usage)
    out.key("usage").null();
  out.end_object();
  return out.str();
}

std::string usage_chunk_json(const openai_frame& frame, std::string_view object,
                             const usage_counts& usage) {
  json_text out;
  begin_answer(out, frame, object);
  out.key("choices").begin_list().end_list();
  write_openai_usage(out, usage);
  out.end_object();
  return out.str();
}

std::string models_json(const server_status& status, std::uint64_t created) {
  json_text out;
  out.begin_object().key("object").text("list").key("data").begin_list();
  for (const auto& model : status.models)
    if (!model.is_removed)
      write_model(out, model, created);
  out.end_list().end_object();
  return out.str();
}

std::string model_json(const model_status& model, std::uint64_t created) {
  json_text out;
  write_model(out, model, created);
  return out.str();
}

} // namespace model_server
