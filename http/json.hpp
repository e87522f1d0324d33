// JSON in, guarded against hostile texts, and JSON out.
#pragma once

#include "http/error_reply.hpp"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace model_server {

/// How much a text may hold before it is refused.
struct json_limits {
  std::size_t depth = 64;
  /// Of one object.
  std::size_t members = 1024;
  /// Of the whole text, containers included.
  std::size_t values = 200'000;
};

/// Reads one JSON text. Refuses, with the offset or the place: what is not JSON
/// or not UTF-8, half surrogates, a byte order mark, anything after the text,
/// the same key twice in an object, and more than the limits. The stack it
/// needs doesn't depend on the text.
std::optional<error_reply> parse_json(std::string_view text,
                                      rapidjson::Document& document,
                                      const json_limits& limits = {});

/// Builds a JSON text. Strings must be UTF-8.
class json_text {
public:
  json_text& begin_object();
  json_text& end_object();
  json_text& begin_list();
  json_text& end_list();
  json_text& key(std::string_view name);
  json_text& text(std::string_view value);
  json_text& boolean(bool value);
  json_text& null();
  /// Writes null for NaN and infinities, which JSON doesn't know.
  json_text& number(double value);
  /// The shortest number that a reader of floats takes for this one.
  json_text& short_number(float value);
  json_text& number(std::uint64_t value);

  template <std::unsigned_integral T>
  json_text& number(T value) {
    return number(static_cast<std::uint64_t>(value));
  }

  std::string_view view() const;
  std::string str() const;

private:
  rapidjson::StringBuffer buffer_;
  rapidjson::Writer<rapidjson::StringBuffer> writer_{buffer_};
};

} // namespace model_server
