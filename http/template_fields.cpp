// Reads what goes to the chat template.
#include "http/template_fields.hpp"

#include <fmt/format.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <array>

namespace model_server {

namespace {

constexpr std::size_t most_arguments = 16;
constexpr std::size_t most_name_bytes = 64;
constexpr std::size_t most_documents = 64;

// What the server says itself.
constexpr std::array<std::string_view, 8> own_names{
    "messages",   "tools",
    "documents",  "add_generation_prompt",
    "tokenize",   "continue_final_message",
    "chat_template", "raise_exception"};

using json_writer = rapidjson::Writer<rapidjson::StringBuffer>;

std::string_view string_of(const rapidjson::Value& value) {
  return {value.GetString(), value.GetStringLength()};
}

bool is_name(std::string_view name) {
  auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !name.empty() && name.size() <= most_name_bytes && is_letter(name[0])
         && std::ranges::all_of(name, [&](char c) {
              return is_letter(c) || (c >= '0' && c <= '9');
            });
}

bool is_plain(const rapidjson::Value& value) {
  return !value.IsObject() && !value.IsArray();
}

void write_member(json_writer& out, std::string_view name,
                  const rapidjson::Value& value) {
  out.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
  value.Accept(out);
}

void write_arguments(json_fields& body, const rapidjson::Value& arguments,
                     json_writer& out) {
  constexpr auto field = "chat_template_kwargs";
  if (!arguments.IsObject())
    return body.refuse_type(field, arguments, "an object");
  if (arguments.MemberCount() > most_arguments)
    return body.refuse(field, "out_of_range",
                       fmt::format("{} has {} members, at most {} are taken",
                                   field, arguments.MemberCount(),
                                   most_arguments));
  for (auto& [key, value] : arguments.GetObject()) {
    auto name = string_of(key);
    auto path = fmt::format("{}.{:.80}", field, name);
    if (!is_name(name))
      return body.refuse(
          path, "out_of_range",
          fmt::format("{} is no name: letters, digits and _, at most {}", path,
                      most_name_bytes));
    if (std::ranges::find(own_names, name) != own_names.end())
      return body.refuse(
          path, "unsupported_field",
          fmt::format("{} is not for clients: the model's folder and the "
                      "messages decide",
                      path));
    if (!is_plain(value))
      return body.refuse(path, "wrong_type",
                         fmt::format("{} must be a string, a number, true, "
                                     "false or null",
                                     path));
    write_member(out, name, value);
  }
}

void write_documents(json_fields& body, const rapidjson::Value& documents,
                     json_writer& out) {
  constexpr auto field = "documents";
  if (!documents.IsArray())
    return body.refuse_type(field, documents, "a list");
  if (documents.Size() > most_documents)
    return body.refuse(field, "out_of_range",
                       fmt::format("{} has {} items, at most {} are taken",
                                   field, documents.Size(), most_documents));
  for (rapidjson::SizeType i = 0; i < documents.Size(); ++i) {
    auto path = fmt::format("{}[{}]", field, i);
    auto& item = documents[i];
    if (!item.IsObject())
      return body.refuse_type(path, item, "an object");
    for (auto& [key, value] : item.GetObject())
      if (!is_plain(value))
        return body.refuse(path, "wrong_type",
                           fmt::format("{}.{:.80} must be a string, a number, "
                                       "true, false or null",
                                       path, string_of(key)));
  }
  write_member(out, field, documents);
}

} // namespace

std::string read_template_arguments(json_fields& body) {
  rapidjson::StringBuffer buffer;
  json_writer out{buffer};
  out.StartObject();
  if (const auto* arguments = body.find("chat_template_kwargs"))
    write_arguments(body, *arguments, out);
  if (const auto* documents = body.find("documents"))
    write_documents(body, *documents, out);
  if (auto effort = body.text("reasoning_effort")) {
    out.Key("reasoning_effort");
    out.String(effort->data(),
               static_cast<rapidjson::SizeType>(effort->size()));
  }
  if (body.has_error())
    return {};
  out.EndObject();
  std::string result{buffer.GetString(), buffer.GetSize()};
  return result == "{}" ? std::string{} : result;
}

} // namespace model_server
