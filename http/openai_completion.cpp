// Checks the body of a completion field by field.
#include "http/openai_completion.hpp"

#include "http/json.hpp"
#include "http/neutral_fields.hpp"
#include "http/sampling_fields.hpp"

#include <algorithm>
#include <utility>

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

reply_prompt token_prompt(json_fields& body, const rapidjson::Value& list) {
  reply_prompt result;
  result.form = prompt_form::tokens;
  result.tokens = read_token_ids(body, "prompt", list);
  return result;
}

reply_prompt read_prompt(json_fields& body) {
  const auto* value = body.find("prompt");
  if (value == nullptr)
    return body.refuse("prompt", "missing_field", "prompt is missing"),
           reply_prompt{};
  if (value->IsString())
    return text_prompt(*value);
  constexpr auto wanted = "a string, or a list of token ids";
  if (!value->IsArray())
    return body.refuse_type("prompt", *value, wanted), reply_prompt{};
  if (value->Empty())
    return body.refuse("prompt", "out_of_range", "prompt has no items"),
           reply_prompt{};
  const auto& first = (*value)[0];
  if (first.IsNumber())
    return token_prompt(body, *value);
  if (value->Size() > 1)
    body.refuse("prompt", "unsupported_field",
                "prompt has several prompts; this version takes one a request");
  else if (first.IsString())
    return text_prompt(first);
  else if (first.IsArray() && !first.Empty())
    return token_prompt(body, first);
  else
    body.refuse_type("prompt", first, wanted);
  return {};
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
  request.prompt = read_prompt(fields);
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
  if (result.repeats_prompt && request.prompt.form == prompt_form::tokens)
    fields.refuse("echo", "unsupported_field",
                  "echo is not supported for a prompt of token ids");
  if (error)
    return *error;
  return result;
}

} // namespace model_server
