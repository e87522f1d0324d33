// Writes JSON texts.
#pragma once

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace model_server {

/// Writes JSON with as few words as possible.
class gguf_json {
public:
  template <class Content>
  void object(Content content) {
    writer_.StartObject();
    content();
    writer_.EndObject();
  }
  template <class Content>
  void list(Content content) {
    writer_.StartArray();
    content();
    writer_.EndArray();
  }
  template <class Content>
  void object(std::string_view name, Content content) {
    key(name);
    object(content);
  }
  template <class Content>
  void list(std::string_view name, Content content) {
    key(name);
    list(content);
  }
  void key(std::string_view name) {
    writer_.Key(name.data(), size(name));
  }
  void text(std::string_view value) {
    writer_.String(value.data(), size(value));
  }
  void text(std::string_view name, std::string_view value) {
    key(name);
    text(value);
  }
  void integer(std::int64_t value) {
    writer_.Int64(value);
  }
  void integer(std::string_view name, std::int64_t value) {
    key(name);
    integer(value);
  }
  void number(double value) {
    writer_.Double(value);
  }
  void flag(std::string_view name, bool value) {
    key(name);
    writer_.Bool(value);
  }
  std::string result() const {
    return {buffer_.GetString(), buffer_.GetSize()};
  }

private:
  static rapidjson::SizeType size(std::string_view text) {
    return static_cast<rapidjson::SizeType>(text.size());
  }

  rapidjson::StringBuffer buffer_;
  rapidjson::Writer<rapidjson::StringBuffer> writer_{buffer_};
};

} // namespace model_server
