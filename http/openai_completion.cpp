// Checks the body of a completion field by field.
#include "http/openai_completion.hpp"

#include "http/json.hpp"
#include "http/neutral_fields.hpp"
#include "http/queue_fields.hpp"
#include "http/sampling_fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

namespace model_server {

namespace {

/// What OpenAI gives a completion that says nothing of its length.
constexpr std::uint32_t usual_max_tokens = 16;

reply_prompt text_prompt(const rapidjson::Value& text) {
  reply_prompt result;
  result.form = prompt_form::text;
  result.text.assign(text.GetString(), text.GetStringLength());
  return result;
}

reply_prompt token_prompt(json_fields& body, std::string_view path,
                          const rapidjson::Value& list) {
  reply_prompt result;
  result.form = prompt_form::tokens;
  result.tokens = read_token_ids(body, path, list);
  return result;
}

constexpr auto wanted_prompt =
    "a string, a list of token ids, or a list of these";

// One of several prompts, all of which are texts or all token ids.
reply_prompt read_item(json_fields& body, std::size_t index,
                       const rapidjson::Value& item, bool is_text) {
  auto path = fmt::format("prompt[{}]", index);
  if (is_text && item.IsString())
    return text_prompt(item);
  if (is_text || !item.IsArray())
    body.refuse_type(path, item, is_text ? "a string" : "a list of token ids");
  else if (item.Empty())
    body.refuse(path, "out_of_range", fmt::format("{} has no items", path));
  else
    return token_prompt(body, path, item);
  return {};
}

// Each is to be answered with `n` replies.
std::vector<reply_prompt> read_prompts(json_fields& body, std::size_t n) {
  const auto* value = body.find("prompt");
  if (value == nullptr)
    return body.refuse("prompt", "missing_field", "prompt is missing"),
           std::vector<reply_prompt>{};
  if (value->IsString())
    return {text_prompt(*value)};
  if (!value->IsArray())
    return body.refuse_type("prompt", *value, wanted_prompt),
           std::vector<reply_prompt>{};
  if (value->Empty())
    return body.refuse("prompt", "out_of_range", "prompt has no items"),
           std::vector<reply_prompt>{};
  const auto& first = (*value)[0];
  if (first.IsNumber())
    return {token_prompt(body, "prompt", *value)};
  if (!first.IsString() && !first.IsArray())
    return body.refuse_type("prompt", first, wanted_prompt),
           std::vector<reply_prompt>{};
  std::vector<reply_prompt> result;
  if (auto choices = value->Size() * n; choices > max_choices)
    body.refuse("prompt", "out_of_range",
                fmt::format("{} prompts with n = {} make {} replies, the limit "
                            "is {}",
                            value->Size(), n, choices, max_choices));
  for (rapidjson::SizeType i = 0; i < value->Size() && !body.has_error(); ++i)
    result.push_back(read_item(body, i, (*value)[i], first.IsString()));
  return result;
}

} // namespace

std::variant<completion_request, error_reply>
read_openai_completion(std::string_view body) {
  rapidjson::Document document;
  if (auto error = parse_json(body.empty() ? "{}" : body, document))
    return *error;
  std::optional<error_reply> error;
  json_fields fields{document, "", error};
  completion_request result;
  result.asked = read_openai_options(fields, error, logprobs_form::completion);
  auto& request = result.asked.call.request;
  result.asked.call.prompts = read_prompts(fields, result.asked.call.n);
  if (request.max_tokens == 0)
    request.max_tokens =
        std::max(usual_max_tokens, request.sampling.min_tokens);
  check_min_tokens(fields, request);
  expect_word(fields, "suffix", {""});
  result.repeats_prompt = fields.boolean("echo").value_or(false);
  if (result.repeats_prompt && request.sampling.top_logprobs)
    fields.refuse("echo", "unsupported_field",
                  "echo is not supported together with logprobs: the prompt "
                  "has none");
  if (result.repeats_prompt && !error
      && result.asked.call.prompts[0].form == prompt_form::tokens)
    fields.refuse("echo", "unsupported_field",
                  "echo is not supported for a prompt of token ids");
  if (error)
    return *error;
  return result;
}

} // namespace model_server
