// Checks the body of a call field by field.
#include "http/chat_request.hpp"

#include "http/json.hpp"
#include "http/json_fields.hpp"
#include "http/message_fields.hpp"
#include "http/neutral_fields.hpp"
#include "http/queue_fields.hpp"
#include "http/sampling_fields.hpp"
#include "http/template_fields.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <utility>

namespace model_server {

namespace {

/// What every JSON reader can hold exactly.
constexpr std::uint64_t max_seed = (std::uint64_t{1} << 53) - 1;

} // namespace

reply_prompt chat_prompt(chat conversation) {
  reply_prompt result;
  result.conversation = std::move(conversation);
  return result;
}

std::variant<chat_request, error_reply>
read_chat_request(std::string_view body) {
  rapidjson::Document document;
  if (auto error = parse_json(body.empty() ? "{}" : body, document))
    return *error;
  std::optional<error_reply> error;
  json_fields fields{document, "", error};
  fields.allow({"messages",
                "max_tokens",
                "temperature",
                "top_p",
                "top_k",
                "min_p",
                "typical_p",
                "repetition_penalty",
                "presence_penalty",
                "frequency_penalty",
                "logit_bias",
                "stop_token_ids",
                "min_tokens",
                "ignore_eos",
                "logprobs",
                "top_logprobs",
                "seed",
                "stop",
                "stream",
                "n",
                "priority",
                "timeout",
                "response_format",
                "tools",
                "chat_template_kwargs",
                "documents",
                "reasoning_effort"});
  chat_request result;
  auto conversation = read_messages(fields, error, dialect::api_v1);
  conversation.template_arguments = read_template_arguments(fields);
  result.prompts = {chat_prompt(std::move(conversation))};
  result.request.sampling = read_sampling(fields);
  result.request.max_tokens = read_max_tokens(fields, "max_tokens");
  check_min_tokens(fields, result.request);
  result.request.stop = read_stop(fields);
  auto seed = fields.integer("seed", 0, max_seed);
  result.has_seed = seed.has_value();
  result.request.seed = seed.value_or(0);
  result.is_streamed = fields.boolean("stream").value_or(false);
  read_queue_fields(fields, result);
  // The last choice tells a seed as well.
  if (auto most = max_seed - (result.n - 1); result.request.seed > most)
    fields.refuse("seed", "out_of_range",
                  fmt::format("seed is {}; with n = {} it must be 0 to {}",
                              result.request.seed, result.n, most));
  expect_text_format(fields);
  expect_no_items(fields, "tools");
  if (error)
    return *error;
  return result;
}

} // namespace model_server
