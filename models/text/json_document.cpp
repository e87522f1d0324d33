// Parses JSON after the checks that RapidJSON itself doesn't make.
#include "models/text/json_document.hpp"

#include "config/exact_json.hpp"
#include "models/text/utf8.hpp"

#include <fmt/format.h>
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>

#include <algorithm>
#include <fstream>
#include <stdexcept>
#include <utility>
#include <vector>

namespace model_server {

namespace {

/// How deep arrays and objects are nested, strings left out.
std::size_t nesting_depth(std::string_view json) {
  std::size_t depth = 0, deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    auto c = json[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return deepest;
}

[[noreturn]] void fail(const std::string& origin, const std::string& why) {
  throw std::runtime_error{origin + ": " + why};
}

void check_text(std::string_view text, const std::string& origin,
                std::size_t max_depth) {
  if (!is_valid_utf8(text))
    fail(origin, "is not UTF-8");
  if (auto nul = text.find('\0'); nul != std::string::npos)
    fail(origin, fmt::format("is not JSON: a zero byte at offset {}", nul));
  if (auto depth = nesting_depth(text); depth > max_depth)
    fail(origin, fmt::format("is nested {} levels deep; the limit is {}", depth,
                             max_depth));
}

void check_result(const rapidjson::ParseResult& result,
                  const std::string& origin) {
  if (result.IsError())
    fail(origin, fmt::format("is not JSON: {} (at offset {})",
                             rapidjson::GetParseError_En(result.Code()),
                             result.Offset()));
}

/// How many values a document may have: 16 bytes each, and 16 for a key, beside
/// letters; as much again while it is parsed.
std::size_t most_values(std::string_view text) {
  return 65536 + text.size() / 16;
}

/// Passes all on to a document but the values that are left out.
class outline_handler
    : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, outline_handler> {
public:
  using size = rapidjson::SizeType;

  outline_handler(rapidjson::Document& document,
                  const rapidjson::MemoryStream& stream, std::string_view text,
                  std::span<const std::string_view> paths)
      : to_(document),
        document_(document),
        stream_(stream),
        text_(text),
        paths_(paths),
        values_left_(most_values(text)) {
    look_at_path();
  }

  bool has_too_many_values() const {
    return has_too_many_;
  }

  bool Null() {
    if (!in_left_)
      waits_ = false;
    return leaves_out() || (counts() && to_.Null());
  }
  bool Bool(bool value) {
    return leaves_out() || (counts() && to_.Bool(value));
  }
  bool RawNumber(const char* text, size length, bool copies) {
    return leaves_out() ? read_json_number({text, length}).has_value()
                        : counts() && to_.RawNumber(text, length, copies);
  }
  bool String(const char* text, size length, bool copies) {
    letters_ += length;
    return leaves_out() || (counts() && to_.String(text, length, copies));
  }
  bool Key(const char* text, size length, bool copies) {
    letters_ += length;
    if (in_left_)
      return true;
    path_.resize(ends_.back());
    path_.append(path_.empty() ? "" : ".").append(text, length);
    look_at_path();
    return to_.Key(text, length, copies);
  }
  bool StartObject() {
    return enters_left() || (counts() && to_.StartObject());
  }
  bool EndObject(size members) {
    return comes_back_in_left() || to_.EndObject(members);
  }
  bool StartArray() {
    return enters_left() || (counts() && to_.StartArray());
  }
  bool EndArray(size items) {
    return comes_back_in_left() || to_.EndArray(items);
  }

private:
  void look_at_path() {
    waits_ = std::ranges::find(paths_, path_) != paths_.end();
    behind_key_ = stream_.Tell();
  }

  // Each of these says whether what the reader has come to is left out.
  bool begins_in_left() {
    if (in_left_) {
      items_ += depth_ == 1;
      return true;
    }
    in_left_ = std::exchange(waits_, false);
    if (in_left_)
      items_ = letters_ = 0;
    return in_left_;
  }
  bool leaves_out() {
    return begins_in_left() && (depth_ > 0 || finish());
  }
  bool enters_left() {
    if (begins_in_left())
      return ++depth_ > 0;
    ends_.push_back(path_.size());
    return false;
  }
  bool comes_back_in_left() {
    if (in_left_)
      return --depth_ > 0 || finish();
    ends_.pop_back();
    return false;
  }
  bool finish() {
    in_left_ = false;
    // Behind its key stand a colon and white space.
    auto begin = std::min(text_.find_first_not_of(": \t\r\n", behind_key_),
                          text_.size());
    return counts(4) && to_.StartArray()
           && to_.String(text_.data() + begin,
                         static_cast<size>(text_.size() - begin), false)
           && document_.Uint64(items_) && document_.Uint64(letters_)
           && to_.EndArray(3);
  }

  bool counts(std::size_t values = 1) {
    has_too_many_ = has_too_many_ || values > values_left_;
    values_left_ -= std::min(values, values_left_);
    return !has_too_many_;
  }

  exact_document_handler to_;
  rapidjson::Document& document_;
  const rapidjson::MemoryStream& stream_;
  std::string_view text_;
  std::span<const std::string_view> paths_;
  std::size_t values_left_;
  bool has_too_many_ = false;
  /// Of the last key, and how long it was at the begin of each value around.
  std::string path_;
  std::vector<std::size_t> ends_;
  std::size_t behind_key_ = 0;
  /// The next value is to be left out; the reader is in one that is.
  bool waits_ = false, in_left_ = false;
  /// How deep in it the reader is, and what it has come to.
  std::size_t depth_ = 0, items_ = 0, letters_ = 0;
};

} // namespace

json_document::json_document(std::string_view text, const std::string& origin,
                             std::size_t max_depth) {
  check_text(text, origin, max_depth);
  rapidjson::MemoryStream stream{text.data(), text.size()};
  check_result(parse_exactly<rapidjson::kParseIterativeFlag>(document_, stream),
               origin);
}

json_document::json_document(std::string_view text, const std::string& origin,
                             std::span<const std::string_view> left_out) {
  check_text(text, origin, default_json_depth);
  rapidjson::MemoryStream stream{text.data(), text.size()};
  outline_handler handler{document_, stream, text, left_out};
  auto result =
      parse_with<rapidjson::kParseIterativeFlag>(document_, stream, handler);
  if (handler.has_too_many_values())
    fail(origin, fmt::format("has over {} values beside its tokens",
                             most_values(text)));
  check_result(result, origin);
}

const rapidjson::Value* find_member(const rapidjson::Value& object,
                                    const char* key) {
  if (!object.IsObject())
    return nullptr;
  auto found = object.FindMember(key);
  return found == object.MemberEnd() ? nullptr : &found->value;
}

std::string read_text_file(const std::filesystem::path& path,
                           std::size_t max_bytes) {
  auto fail = [&](const std::string& why) {
    model_server::fail(path.string(), why);
  };
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error))
    fail(error ? error.message() : "is not a file");
  auto size = std::filesystem::file_size(path, error);
  if (error)
    fail(error.message());
  if (size > max_bytes)
    fail(fmt::format("has {} bytes; the limit is {}", size, max_bytes));
  std::string text(size, '\0');
  std::ifstream file{path, std::ios::binary};
  if (!file.read(text.data(), static_cast<std::streamsize>(size)))
    fail("cannot be read");
  return text;
}

} // namespace model_server
