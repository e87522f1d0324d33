// JSON of files that nobody vouches for, parsed within limits.
#pragma once

#include <rapidjson/document.h>

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace model_server {

/// A value that a document leaves out: the text from where it begins, for
/// `visit_json`; and of a list or an object how many items or members it has,
/// and how many bytes all its strings and keys have together.
struct left_out_value {
  std::string_view text;
  std::size_t items;
  std::size_t letters;
};

/// How deep a text may be nested where nothing else is said.
inline constexpr std::size_t default_json_depth = 64;

/// A parsed JSON text. Its depth is limited, so walking it recursively is
/// safe; strings may still hold invalid UTF-8 through escapes, and an object
/// may have a key twice.
class json_document {
public:
  /// Parses `text`. Throws `std::runtime_error` whose text begins with
  /// `origin`.
  json_document(std::string_view text, const std::string& origin,
                std::size_t max_depth = default_json_depth);

  /// The same without the values at the paths `left_out` (`model.vocab`, or
  /// nothing for the root), which would take many times their size. Of such a
  /// value, unless it is null, the document has what `left_out_value` is made
  /// of. Beside their letters, all others may be worth 2 MiB and twice the size
  /// of the text. `text` must live as long as the document.
  json_document(std::string_view text, const std::string& origin,
                std::span<const std::string_view> left_out);

  json_document(json_document&&) = default;

  const rapidjson::Value& root() const {
    return document_;
  }

private:
  rapidjson::Document document_;
};

/// The text of a JSON string.
inline std::string_view text_of(const rapidjson::Value& value) {
  return {value.GetString(), value.GetStringLength()};
}

/// The member `key` of an object, or null.
const rapidjson::Value* find_member(const rapidjson::Value& object,
                                    const char* key);

/// The content of a file of at most `max_bytes`. Throws `std::runtime_error`
/// naming the file.
std::string read_text_file(const std::filesystem::path& path,
                           std::size_t max_bytes);

} // namespace model_server
