// Checks the body of a completion field by field.
#include "http/openai_completion.hpp"

#include "http/json.hpp"
#include "http/neutral_fields.hpp"
#include "http/prompt_list.hpp"
#include "http/queue_fields.hpp"
#include "http/sampling_fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

namespace model_server {

namespace {

/// What OpenAI gives a completion that says nothing of its length.
constexpr std::uint32_t usual_max_tokens = 16;

// Each is to be answered with `n` replies.
void check_choices(json_fields& body, std::size_t prompts, std::size_t n) {
  if (auto choices = prompts * n; choices > max_choices)
    body.refuse("prompt", "out_of_range",
                fmt::format("{} prompts with n = {} make {} replies, the limit "
                            "is {}",
                            prompts, n, choices, max_choices));
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
  result.asked.call.prompts = read_prompts(fields, "prompt");
  if (auto prompts = result.asked.call.prompts.size(); prompts > 1)
    check_choices(fields, prompts, result.asked.call.n);
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
