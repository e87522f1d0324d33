// Reads prompts as texts or as token ids.
#include "http/prompt_list.hpp"

#include "http/sampling_fields.hpp"

#include <fmt/format.h>

#include <cstddef>

namespace model_server {

namespace {

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
reply_prompt read_item(json_fields& body, const std::string& path,
                       const rapidjson::Value& item, bool is_text) {
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

} // namespace

std::vector<reply_prompt> read_prompts(json_fields& body,
                                       std::string_view field) {
  const auto* value = body.find(field);
  if (value == nullptr)
    return body.refuse(field, "missing_field",
                       fmt::format("{} is missing", field)),
           std::vector<reply_prompt>{};
  if (value->IsString())
    return {text_prompt(*value)};
  if (!value->IsArray())
    return body.refuse_type(field, *value, wanted_prompt),
           std::vector<reply_prompt>{};
  if (value->Empty())
    return body.refuse(field, "out_of_range",
                       fmt::format("{} has no items", field)),
           std::vector<reply_prompt>{};
  const auto& first = (*value)[0];
  if (first.IsNumber())
    return {token_prompt(body, field, *value)};
  if (!first.IsString() && !first.IsArray())
    return body.refuse_type(field, first, wanted_prompt),
           std::vector<reply_prompt>{};
  std::vector<reply_prompt> result;
  for (rapidjson::SizeType i = 0; i < value->Size() && !body.has_error(); ++i)
    result.push_back(read_item(body, fmt::format("{}[{}]", field, i),
                               (*value)[i], first.IsString()));
  return result;
}

} // namespace model_server
