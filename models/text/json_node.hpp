// A place in a JSON file that is being read, knowing its path for errors.
#pragma once

#include "models/text/json_document.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// One value of a file and the path to it. Everything that reads it throws
/// `std::runtime_error` that begins with the path when the value is not of the
/// kind asked for.
class json_node {
public:
  json_node(const rapidjson::Value& value, std::string path);

  /// Says what is wrong with this value.
  [[noreturn]] void fail(const std::string& why) const;
  /// Says what is wrong with an item of this list, `[3]` say.
  [[noreturn]] void fail_at(const std::string& place,
                            const std::string& why) const;

  /// The member `key`; missing ones and nulls are nothing.
  std::optional<json_node> find(const char* key) const;
  /// The member `key`, which must be there.
  json_node get(const char* key) const;
  /// The values of a list.
  std::vector<json_node> items() const;

  bool is_null() const;
  bool is_text() const;
  bool is_object() const;
  std::string_view text() const;
  std::int64_t integer() const;
  /// Any finite number.
  double real() const;
  bool boolean() const;

  /// The member's value, or `otherwise` if it is missing or null.
  bool flag(const char* key, bool otherwise) const;
  std::int64_t number(const char* key, std::int64_t otherwise) const;

  /// A value that its document leaves out and that is a list, or an object.
  left_out_value left_out_list() const;
  left_out_value left_out_object() const;
  bool is_left_out_list() const;

  const rapidjson::Value& value() const {
    return *value_;
  }

private:
  left_out_value left_out() const;

  const rapidjson::Value* value_;
  std::string path_;
};

} // namespace model_server
