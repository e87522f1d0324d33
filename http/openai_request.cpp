// Checks the bodies of OpenAI's dialect field by field.
#include "http/openai_request.hpp"

#include "http/json.hpp"
#include "http/json_fields.hpp"
#include "http/message_fields.hpp"
#include "http/neutral_fields.hpp"
#include "http/queue_fields.hpp"
#include "http/sampling_fields.hpp"
#include "http/template_fields.hpp"

#include <fmt/format.h>

#include <cstdint>

namespace model_server {

namespace {

// Any whole number of 64 bits; the sign is no more than another bit.
void read_seed(json_fields& body, chat_request& call) {
  const auto* value = body.find("seed");
  if (value == nullptr)
    return;
  if (!value->IsInt64() && !value->IsUint64())
    return body.refuse_type("seed", *value, "a whole number of 64 bits");
  call.has_seed = true;
  call.request.seed = value->IsUint64()
                          ? value->GetUint64()
                          : static_cast<std::uint64_t>(value->GetInt64());
}

bool read_reports_usage(json_fields& body, std::optional<error_reply>& error,
                        bool is_streamed) {
  const auto* value = body.find("stream_options");
  if (value == nullptr)
    return false;
  json_fields options{*value, "stream_options", error};
  auto result = options.boolean("include_usage").value_or(false);
  if (!is_streamed)
    body.refuse("stream_options", "out_of_range",
                "stream_options needs stream to be true");
  return result;
}

// Tools, sounds and shapes of the reply, none of which are built.
void check_chat_features(json_fields& body) {
  expect_no_items(body, "tools");
  expect_word(body, "tool_choice", {"none", "auto"});
  expect_no_items(body, "functions");
  expect_word(body, "function_call", {"none", "auto"});
  expect_text_format(body);
  expect_absent(body, "audio");
  expect_absent(body, "prediction");
  expect_absent(body, "web_search_options");
  const auto* modalities = body.find("modalities");
  if (modalities == nullptr)
    return;
  auto is_text = modalities->IsArray() && modalities->Size() == 1
                 && (*modalities)[0].IsString()
                 && std::string_view{(*modalities)[0].GetString()} == "text";
  if (!is_text)
    body.refuse("modalities", "unsupported_field",
                "modalities is not supported in this version but as "
                "[\"text\"]");
}

} // namespace

std::string read_openai_model(json_fields& body,
                              std::optional<error_reply>& error,
                              std::string_view fallback) {
  auto model = body.text("model");
  if (!model && !fallback.empty())
    return std::string{fallback};
  if (!model)
    body.refuse("model", "missing_field", "model is missing");
  else if (auto unknown = check_model_name(*model); unknown && !error)
    error = std::move(unknown);
  return model.value_or("");
}

openai_request read_openai_options(json_fields& body,
                                   std::optional<error_reply>& error,
                                   logprobs_form form) {
  openai_request result;
  auto& request = result.call.request;
  request.model = read_openai_model(body, error);
  request.sampling = read_sampling(body, form);
  request.max_tokens = read_max_tokens(body, "max_tokens");
  request.stop = read_stop(body);
  read_seed(body, result.call);
  result.call.is_streamed = body.boolean("stream").value_or(false);
  result.reports_usage =
      read_reports_usage(body, error, result.call.is_streamed);
  read_queue_fields(body, result.call);
  // The best n of so many as are made anyway.
  expect_number(body, "best_of", result.call.n);
  return result;
}

std::variant<openai_request, error_reply>
read_openai_chat(std::string_view body) {
  rapidjson::Document document;
  if (auto error = parse_json(body.empty() ? "{}" : body, document))
    return *error;
  std::optional<error_reply> error;
  json_fields fields{document, "", error};
  auto result = read_openai_options(fields, error, logprobs_form::chat);
  auto& request = result.call.request;
  if (auto newer = read_max_tokens(fields, "max_completion_tokens"))
    request.max_tokens = newer;
  check_min_tokens(fields, request);
  check_chat_features(fields);
  auto conversation = read_messages(fields, error, dialect::openai);
  conversation.template_arguments = read_template_arguments(fields);
  result.call.prompts = {chat_prompt(std::move(conversation))};
  if (error)
    return *error;
  return result;
}

} // namespace model_server
