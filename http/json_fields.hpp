// Reads the fields of a JSON object, and says of the first wrong one what is
// wrong with it.
#pragma once

#include "http/error_reply.hpp"

#include <rapidjson/document.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace model_server {

/// What a number may be.
struct number_range {
  double least = 0;
  double most = 0;
  /// `least` itself is too small.
  bool is_open = false;
};

/// One object of a body. Every getter gives nothing for a field that is absent
/// or null. The first error is kept, and with it nothing more is looked at.
class json_fields {
public:
  /// `path` is where the object is in the body, empty for the body itself. Any
  /// other value than an object is an error.
  json_fields(const rapidjson::Value& object, std::string path,
              std::optional<error_reply>& error);

  /// A fault if the object has a field that is not among these.
  void allow(std::initializer_list<std::string_view> names);

  /// As it stands there.
  const rapidjson::Value* find(std::string_view name) const;

  std::optional<double> number(std::string_view name, number_range range);
  std::optional<std::uint64_t> integer(std::string_view name,
                                       std::uint64_t least, std::uint64_t most);
  std::optional<bool> boolean(std::string_view name);
  std::optional<std::string> text(std::string_view name);

  /// Reports a fault of this field.
  void refuse(std::string_view name, std::string code, std::string message);

  /// Reports that the field has another type than it should have.
  void refuse_type(std::string_view name, const rapidjson::Value& value,
                   std::string_view wanted);

  /// The path of a field, `messages[0].role`.
  std::string path_of(std::string_view name) const;

  bool has_error() const {
    return error_.has_value();
  }

private:
  const rapidjson::Value& object_;
  std::string path_;
  std::optional<error_reply>& error_;
};

/// `a string`, `a list`, ... for error sentences.
std::string_view type_name(const rapidjson::Value& value);

} // namespace model_server
