// Checks messages one by one.
#include "http/message_fields.hpp"

#include "config/quote.hpp"
#include "http/neutral_fields.hpp"

#include <fmt/format.h>

#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace model_server {

namespace {

constexpr std::size_t max_messages = 2048;
constexpr std::size_t max_parts = 256;
constexpr std::size_t shown_bytes = 64;

using role_name = std::pair<std::string_view, chat_role>;

constexpr role_name api_v1_roles[] = {{"system", chat_role::system},
                                      {"user", chat_role::user},
                                      {"agent", chat_role::agent},
                                      {"assistant", chat_role::agent},
                                      {"tool", chat_role::tool}};

constexpr role_name openai_roles[] = {{"developer", chat_role::system},
                                      {"system", chat_role::system},
                                      {"user", chat_role::user},
                                      {"assistant", chat_role::agent},
                                      {"tool", chat_role::tool}};

std::span<const role_name> roles_of(dialect rules) {
  if (rules == dialect::openai)
    return openai_roles;
  return api_v1_roles;
}

void refuse_missing(json_fields& fields, std::string_view name) {
  fields.refuse(name, "missing_field",
                fmt::format("{} is missing", fields.path_of(name)));
}

chat_role read_role(json_fields& fields, dialect rules) {
  auto role = fields.text("role");
  if (!role)
    return refuse_missing(fields, "role"), chat_role::user;
  std::string known;
  for (const auto& [name, meaning] : roles_of(rules)) {
    if (*role == name)
      return meaning;
    known.append(known.empty() ? "" : ", ").append(name);
  }
  fields.refuse("role", "bad_role",
                fmt::format("{} is {}; known are: {}", fields.path_of("role"),
                            quote(*role, shown_bytes), known));
  return chat_role::user;
}

std::string read_part(const rapidjson::Value& value, std::string path,
                      std::optional<error_reply>& error, dialect rules) {
  json_fields part{value, std::move(path), error};
  auto type = part.text("type");
  if (!type)
    refuse_missing(part, "type");
  else if (*type != "text")
    part.refuse("type", "unsupported_content",
                fmt::format("{} is {}; only \"text\" is taken",
                            part.path_of("type"), quote(*type, shown_bytes)));
  if (rules == dialect::api_v1)
    part.allow({"type", "text"});
  auto text = part.text("text");
  if (!text)
    refuse_missing(part, "text");
  return text.value_or("");
}

std::string read_content(json_fields& fields, std::optional<error_reply>& error,
                         bool may_be_absent, dialect rules) {
  const auto* value = fields.find("content");
  auto path = fields.path_of("content");
  if (!value) {
    if (!may_be_absent)
      refuse_missing(fields, "content");
    return {};
  }
  if (value->IsString())
    return {value->GetString(), value->GetStringLength()};
  if (!value->IsArray()) {
    fields.refuse_type("content", *value, "a string or a list of parts");
    return {};
  }
  if (value->Size() > max_parts) {
    fields.refuse("content", "out_of_range",
                  fmt::format("{} has {} parts, the limit is {}", path,
                              value->Size(), max_parts));
    return {};
  }
  std::string result;
  for (rapidjson::SizeType i = 0; i < value->Size() && !error; ++i)
    result +=
        read_part((*value)[i], fmt::format("{}[{}]", path, i), error, rules);
  return result;
}

chat_message read_message(const rapidjson::Value& value, std::string path,
                          std::optional<error_reply>& error, dialect rules) {
  json_fields fields{value, std::move(path), error};
  if (rules == dialect::api_v1) {
    fields.allow({"role", "content"});
  } else {
    expect_no_items(fields, "tool_calls");
    expect_absent(fields, "function_call");
    expect_absent(fields, "audio");
  }
  chat_message result;
  result.role = read_role(fields, rules);
  // An assistant that only called a tool has said nothing.
  auto may_be_absent =
      rules == dialect::openai && result.role == chat_role::agent;
  if (!error)
    result.content = read_content(fields, error, may_be_absent, rules);
  return result;
}

} // namespace

chat read_messages(json_fields& body, std::optional<error_reply>& error,
                   dialect rules) {
  const auto* value = body.find("messages");
  if (!value) {
    body.refuse("messages", "missing_field", "messages is missing");
    return {};
  }
  if (!value->IsArray()) {
    body.refuse_type("messages", *value, "a list");
    return {};
  }
  if (value->Empty() || value->Size() > max_messages) {
    body.refuse("messages", "out_of_range",
                fmt::format("messages has {} items; it must have 1 to {}",
                            value->Size(), max_messages));
    return {};
  }
  chat result;
  result.messages.reserve(value->Size());
  for (rapidjson::SizeType i = 0; i < value->Size() && !error; ++i)
    result.messages.push_back(read_message(
        (*value)[i], fmt::format("messages[{}]", i), error, rules));
  if (!error && rules == dialect::api_v1
      && result.messages.back().role == chat_role::system)
    body.refuse(fmt::format("messages[{}].role", value->Size() - 1), "bad_role",
                "the last message is of role system; it must be of role user "
                "or tool, or of role agent for the reply to continue it");
  return result;
}

} // namespace model_server
