// Tells neutral values from those that ask for something.
#include "http/neutral_fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string>

namespace model_server {

namespace {

void refuse_unsupported(json_fields& body, std::string_view name,
                        std::string_view neutral) {
  body.refuse(name, "unsupported_field",
              fmt::format("{} is not supported in this version but as {}",
                          body.path_of(name), neutral));
}

std::string_view string_of(const rapidjson::Value& value) {
  return {value.GetString(), value.GetStringLength()};
}

} // namespace

void expect_absent(json_fields& body, std::string_view name) {
  if (body.find(name) != nullptr)
    refuse_unsupported(body, name, "null");
}

void expect_no_items(json_fields& body, std::string_view name) {
  if (const auto* value = body.find(name))
    if (!value->IsArray() || !value->Empty())
      refuse_unsupported(body, name, "an empty list");
}

void expect_word(json_fields& body, std::string_view name,
                 std::initializer_list<std::string_view> neutral) {
  const auto* value = body.find(name);
  if (value == nullptr
      || (value->IsString()
          && std::ranges::find(neutral, string_of(*value)) != neutral.end()))
    return;
  std::string words;
  for (auto each : neutral)
    words += fmt::format("{}\"{}\"", words.empty() ? "" : " or ", each);
  refuse_unsupported(body, name, words);
}

void expect_number(json_fields& body, std::string_view name,
                   std::uint64_t neutral) {
  constexpr std::uint64_t most = std::numeric_limits<std::int32_t>::max();
  if (body.integer(name, 1, most).value_or(neutral) != neutral)
    refuse_unsupported(body, name, std::to_string(neutral));
}

void expect_boolean(json_fields& body, std::string_view name, bool neutral) {
  if (body.boolean(name).value_or(neutral) != neutral)
    refuse_unsupported(body, name, neutral ? "true" : "false");
}

void expect_text_format(json_fields& body) {
  const auto* format = body.find("response_format");
  if (format == nullptr)
    return;
  auto is_text = format->IsObject() && format->MemberCount() == 1
                 && format->HasMember("type") && (*format)["type"].IsString()
                 && string_of((*format)["type"]) == "text";
  if (!is_text)
    refuse_unsupported(body, "response_format", "{\"type\":\"text\"}");
}

} // namespace model_server
