// Checks the body of a call field by field.
#include "http/chat_request.hpp"

#include "http/json.hpp"
#include "http/json_fields.hpp"
#include "http/sampling_fields.hpp"

#include "config/quote.hpp"

#include <fmt/format.h>

#include <limits>

namespace model_server {

namespace {

constexpr std::size_t max_messages = 2048;
constexpr std::size_t max_parts = 256;
constexpr std::uint64_t max_count = std::numeric_limits<std::int32_t>::max();
/// What every JSON reader can hold exactly.
constexpr std::uint64_t max_seed = (std::uint64_t{1} << 53) - 1;

constexpr std::size_t shown_bytes = 64;

std::string string_of(const rapidjson::Value& value) {
  return {value.GetString(), value.GetStringLength()};
}

std::optional<chat_role> role_of(std::string_view name) {
  if (name == "system")
    return chat_role::system;
  if (name == "user")
    return chat_role::user;
  if (name == "agent" || name == "assistant")
    return chat_role::agent;
  if (name == "tool")
    return chat_role::tool;
  return std::nullopt;
}

// -- messages -----------------------------------------------------------------

std::string read_part(const rapidjson::Value& value, std::string path,
                      std::optional<error_reply>& error) {
  json_fields part{value, std::move(path), error};
  auto type = part.text("type");
  if (!type)
    part.refuse("type", "missing_field",
                fmt::format("{} is missing", part.path_of("type")));
  else if (*type != "text")
    part.refuse("type", "unsupported_content",
                fmt::format("{} is {}; only \"text\" is taken",
                            part.path_of("type"), quote(*type, shown_bytes)));
  part.allow({"type", "text"});
  auto text = part.text("text");
  if (!text)
    part.refuse("text", "missing_field",
                fmt::format("{} is missing", part.path_of("text")));
  return text.value_or("");
}

std::string read_content(json_fields& fields,
                         std::optional<error_reply>& error) {
  const auto* value = fields.find("content");
  auto path = fields.path_of("content");
  if (!value) {
    fields.refuse("content", "missing_field",
                  fmt::format("{} is missing", path));
    return {};
  }
  if (value->IsString())
    return string_of(*value);
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
    result += read_part((*value)[i], fmt::format("{}[{}]", path, i), error);
  return result;
}

chat_message read_message(const rapidjson::Value& value, std::string path,
                          std::optional<error_reply>& error) {
  json_fields fields{value, std::move(path), error};
  fields.allow({"role", "content"});
  chat_message result;
  auto role = fields.text("role");
  if (!role)
    fields.refuse("role", "missing_field",
                  fmt::format("{} is missing", fields.path_of("role")));
  else if (auto known = role_of(*role))
    result.role = *known;
  else
    fields.refuse("role", "bad_role",
                  fmt::format("{} is {}; known are: system, user, agent (or "
                              "assistant), tool",
                              fields.path_of("role"),
                              quote(*role, shown_bytes)));
  if (!error)
    result.content = read_content(fields, error);
  return result;
}

chat read_messages(json_fields& body, std::optional<error_reply>& error) {
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
    result.messages.push_back(
        read_message((*value)[i], fmt::format("messages[{}]", i), error));
  if (!error && result.messages.back().role == chat_role::system)
    body.refuse(fmt::format("messages[{}].role", value->Size() - 1), "bad_role",
                "the last message is of role system; it must be of role user "
                "or tool, or of role agent for the reply to continue it");
  return result;
}

// -- options ------------------------------------------------------------------

void check_min_tokens(json_fields& body, const generation_request& request) {
  if (request.max_tokens != 0
      && request.sampling.min_tokens > request.max_tokens)
    body.refuse("min_tokens", "out_of_range",
                fmt::format("min_tokens is {}; it must be at most max_tokens, "
                            "which is {}",
                            request.sampling.min_tokens, request.max_tokens));
}

void refuse_unsupported(json_fields& body, std::string_view name,
                        std::string_view neutral) {
  body.refuse(name, "unsupported_field",
              fmt::format("{} is not supported in this version but as {}", name,
                          neutral));
}

/// Fields that are known and not built yet: their neutral value is taken, any
/// other is refused rather than passed over.
void check_unsupported(json_fields& body) {
  if (body.integer("n", 1, max_count).value_or(1) != 1)
    refuse_unsupported(body, "n", "1");
  if (const auto* format = body.find("response_format")) {
    auto is_text = format->IsObject() && format->MemberCount() == 1
                   && format->HasMember("type") && (*format)["type"].IsString()
                   && string_of((*format)["type"]) == "text";
    if (!is_text)
      refuse_unsupported(body, "response_format", "{\"type\":\"text\"}");
  }
  if (const auto* tools = body.find("tools"))
    if (!tools->IsArray() || !tools->Empty())
      refuse_unsupported(body, "tools", "an empty list");
}

} // namespace

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
                "response_format",
                "tools"});
  chat_request result;
  result.request.prompt.conversation = read_messages(fields, error);
  result.request.sampling = read_sampling(fields);
  result.request.max_tokens = static_cast<std::uint32_t>(
      fields.integer("max_tokens", 1, max_count).value_or(0));
  check_min_tokens(fields, result.request);
  result.request.stop = read_stop(fields);
  auto seed = fields.integer("seed", 0, max_seed);
  result.has_seed = seed.has_value();
  result.request.seed = seed.value_or(0);
  result.is_streamed = fields.boolean("stream").value_or(false);
  check_unsupported(fields);
  if (error)
    return *error;
  return result;
}

} // namespace model_server
