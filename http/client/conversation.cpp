// Writes conversations as JSON.
#include "http/client/conversation.hpp"

#include "config/entry_params.hpp"
#include "config/quote.hpp"
#include "models/text/json_document.hpp"
#include "models/text/utf8.hpp"

#include <fmt/format.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <exception>

namespace model_server {

namespace {

using json_writer = rapidjson::Writer<rapidjson::StringBuffer>;

void write(json_writer& out, std::string_view text) {
  // An empty view may have no address, which RapidJSON asserts on.
  out.String(text.empty() ? "" : text.data(),
             static_cast<rapidjson::SizeType>(text.size()));
}

std::string as_json(std::string_view value) {
  rapidjson::StringBuffer buffer;
  json_writer out{buffer};
  try {
    json_document document{std::string{value}, "value"};
    document.root().Accept(out);
  } catch (const std::exception&) {
    write(out, repair_utf8(value));
  }
  return buffer.GetString();
}

} // namespace

void conversation::set_system(std::string text) {
  system_ = repair_utf8(text);
}

void conversation::set_field(const std::string& name, std::string_view value) {
  for (auto ours : {"messages", "stream", "n"})
    if (name == ours)
      throw config_error(fmt::format("{} cannot be set in a chat", name));
  if (name.empty() || name.size() > 64 || !is_valid_utf8(name))
    throw config_error(
        fmt::format("{} is no field of a request", quote(name, 128)));
  fields_[name] = as_json(value);
}

bool conversation::unset_field(const std::string& name) {
  return fields_.erase(name) > 0;
}

void conversation::say(std::string_view text) {
  turns_.push_back({"user", repair_utf8(text)});
}

void conversation::hear(std::string_view text) {
  turns_.push_back({"agent", repair_utf8(text)});
}

void conversation::take_back() {
  turns_.pop_back();
}

void conversation::begin_anew() {
  turns_.clear();
}

std::string conversation::body() const {
  rapidjson::StringBuffer buffer;
  json_writer out{buffer};
  auto write_turn = [&](std::string_view role, std::string_view content) {
    out.StartObject();
    out.Key("role");
    write(out, role);
    out.Key("content");
    write(out, content);
    out.EndObject();
  };
  out.StartObject();
  out.Key("messages");
  out.StartArray();
  if (!system_.empty())
    write_turn("system", system_);
  for (const auto& each : turns_)
    write_turn(each.role, each.content);
  out.EndArray();
  for (const auto& [name, value] : fields_) {
    out.Key(name.c_str());
    out.RawValue(value.data(), value.size(), rapidjson::kObjectType);
  }
  out.Key("stream");
  out.Bool(true);
  out.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

} // namespace model_server
