// Reads and writes what tokenizers are asked.
#include "http/tokenize_api.hpp"

#include "http/json.hpp"
#include "http/json_fields.hpp"
#include "http/message_fields.hpp"
#include "http/neutral_fields.hpp"
#include "http/openai_request.hpp"
#include "http/sampling_fields.hpp"
#include "http/template_fields.hpp"
#include "models/text/utf8.hpp"

namespace model_server {

namespace {

reply_prompt read_prompt(json_fields& body, std::optional<error_reply>& error) {
  reply_prompt result;
  if (body.find("messages") != nullptr) {
    if (body.find("prompt") != nullptr)
      body.refuse("prompt", "out_of_range",
                  "prompt and messages exclude each other");
    result.conversation = read_messages(body, error, dialect::openai);
    result.conversation.template_arguments = read_template_arguments(body);
    return result;
  }
  auto text = body.text("prompt");
  if (!text)
    body.refuse("prompt", "missing_field", "prompt, or messages, is missing");
  result.form = prompt_form::text;
  result.text = text.value_or("");
  return result;
}

// What the tokenizer does anyway, and cannot leave.
void check_options(json_fields& body) {
  expect_boolean(body, "add_special_tokens", true);
  expect_boolean(body, "add_generation_prompt", true);
  expect_boolean(body, "continue_final_message", false);
  expect_boolean(body, "return_token_strs", false);
  expect_no_items(body, "tools");
}

} // namespace

std::variant<tokenize, error_reply> read_tokenize(std::string_view body,
                                                  std::string_view only_model) {
  rapidjson::Document document;
  if (auto error = parse_json(body.empty() ? "{}" : body, document))
    return *error;
  std::optional<error_reply> error;
  json_fields fields{document, "", error};
  tokenize result;
  result.model = read_openai_model(fields, error, only_model);
  check_options(fields);
  result.prompt = read_prompt(fields, error);
  if (error)
    return *error;
  return result;
}

std::variant<detokenize, error_reply>
read_detokenize(std::string_view body, std::string_view only_model) {
  rapidjson::Document document;
  if (auto error = parse_json(body.empty() ? "{}" : body, document))
    return *error;
  std::optional<error_reply> error;
  json_fields fields{document, "", error};
  detokenize result;
  result.model = read_openai_model(fields, error, only_model);
  const auto* tokens = fields.find("tokens");
  if (tokens == nullptr)
    fields.refuse("tokens", "missing_field", "tokens is missing");
  else
    result.tokens = read_token_ids(fields, "tokens", *tokens);
  if (error)
    return *error;
  return result;
}

std::string tokenized_json(const tokenized& answer) {
  json_text out;
  out.begin_object().key("tokens").begin_list();
  for (auto id : answer.tokens)
    out.number(static_cast<std::uint32_t>(id)); // never negative
  out.end_list();
  out.key("count").number(std::uint64_t{answer.tokens.size()});
  out.key("max_model_len").number(answer.context_length);
  out.end_object();
  return out.str();
}

std::string detokenized_json(const detokenized& answer) {
  json_text out;
  out.begin_object();
  out.key("prompt").text(repair_utf8(answer.text)).end_object();
  return out.str();
}

} // namespace model_server
