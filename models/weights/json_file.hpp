// Settings files of a model: JSON, read with errors that name file and key.
#pragma once

#include <rapidjson/document.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace model_server {

/// Parses a JSON text of any depth without recursion. Throws
/// `std::runtime_error` that begins with `where` if it is no JSON object.
rapidjson::Document parse_json_object(std::string_view text,
                                      const std::string& where);

/// Reads a file that holds one JSON object of at most `max_bytes`.
rapidjson::Document read_json_file(const std::filesystem::path& path,
                                   std::size_t max_bytes = 16 << 20);

/// Typed reading of one JSON object. A key that is null counts as absent. Every
/// getter throws `std::runtime_error` that names file, key, value and what is
/// allowed.
class config_fields {
public:
  /// `object` must outlive this; `where` names it in errors.
  config_fields(const rapidjson::Value& object, std::string where);

  /// Null if absent or null.
  const rapidjson::Value* find(const char* key) const;

  /// True also if it is null.
  bool has(const char* key) const;
  std::optional<bool> boolean(const char* key) const;
  std::optional<std::int64_t> integer(const char* key, std::int64_t least,
                                      std::int64_t most) const;
  std::int64_t require_integer(const char* key, std::int64_t least,
                               std::int64_t most) const;
  /// Finite numbers only.
  std::optional<double> number(const char* key, double least,
                               double most) const;
  std::optional<std::string> text(const char* key) const;
  /// An object below this one.
  std::optional<config_fields> object(const char* key) const;

  /// Throws about the value of a key.
  [[noreturn]] void refuse(const char* key, std::string_view reason) const;

private:
  const rapidjson::Value* object_;
  std::string where_;
};

} // namespace model_server
