// RapidJSON with the guards that it lacks by itself.
#include "http/json.hpp"

#include "config/json_number.hpp"
#include "config/quote.hpp"

#include <fmt/format.h>
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace model_server {

namespace {

constexpr unsigned parse_flags = rapidjson::kParseIterativeFlag
                                 | rapidjson::kParseValidateEncodingFlag
                                 | exact_numbers_flag;

constexpr std::size_t shown_bytes = 64;

/// Passes what the reader finds on to a document, until a limit is reached.
class counting_handler {
public:
  using Ch = char;

  counting_handler(rapidjson::Document& document, const json_limits& limits)
      : document_(document), limits_(limits) {
    // nop
  }

  bool Null() {
    return count() && document_.Null();
  }
  bool Bool(bool value) {
    return count() && document_.Bool(value);
  }
  bool Int(int value) {
    return count() && document_.Int(value);
  }
  bool Uint(unsigned value) {
    return count() && document_.Uint(value);
  }
  bool Int64(std::int64_t value) {
    return count() && document_.Int64(value);
  }
  bool Uint64(std::uint64_t value) {
    return count() && document_.Uint64(value);
  }
  bool Double(double value) {
    return count() && document_.Double(value);
  }
  bool RawNumber(const char* text, rapidjson::SizeType size, bool) {
    auto number = read_json_number({text, size});
    if (!number)
      return refuse("invalid_json",
                    fmt::format("the body has a number beyond 1.8e308: {}",
                                quote({text, size})));
    return pass_number(*number, *this);
  }
  bool String(const char* text, rapidjson::SizeType size, bool copy) {
    return count() && document_.String(text, size, copy);
  }
  bool StartObject() {
    return count() && descend() && document_.StartObject();
  }
  bool Key(const char* text, rapidjson::SizeType size, bool copy) {
    if (++members_.back() > limits_.members)
      return refuse("too_many_values",
                    fmt::format("an object has {} members or more, "
                                "the limit is {}",
                                members_.back(), limits_.members));
    return document_.Key(text, size, copy);
  }
  bool EndObject(rapidjson::SizeType size) {
    members_.pop_back();
    return document_.EndObject(size);
  }
  bool StartArray() {
    return count() && descend() && document_.StartArray();
  }
  bool EndArray(rapidjson::SizeType size) {
    members_.pop_back();
    return document_.EndArray(size);
  }

  const std::optional<error_reply>& refusal() const {
    return refusal_;
  }

private:
  bool count() {
    if (++values_ > limits_.values)
      return refuse("too_many_values",
                    fmt::format("the body has {} values or more, the limit is "
                                "{}",
                                values_, limits_.values));
    return true;
  }

  bool descend() {
    if (members_.size() >= limits_.depth)
      return refuse("too_deep", fmt::format("the body nests deeper than {} "
                                            "levels",
                                            limits_.depth));
    members_.push_back(0);
    return true;
  }

  bool refuse(std::string code, std::string message) {
    refusal_ = bad_request(std::move(code), std::move(message));
    return false;
  }

  rapidjson::Document& document_;
  const json_limits& limits_;
  /// Members so far of each container that is open.
  std::vector<std::size_t> members_;
  std::size_t values_ = 0;
  std::optional<error_reply> refusal_;
};

std::string_view name_of(const rapidjson::Value::Member* member) {
  return {member->name.GetString(), member->name.GetStringLength()};
}

/// The first key that an object holds twice, as a path; nothing if there is
/// none. Goes no deeper than the depth limit.
std::optional<std::string> find_duplicate(const rapidjson::Value& value) {
  if (value.IsArray()) {
    for (rapidjson::SizeType i = 0; i < value.Size(); ++i)
      if (value[i].IsObject() || value[i].IsArray())
        if (auto found = find_duplicate(value[i]))
          return fmt::format("[{}]{}{}", i, found->starts_with('[') ? "" : ".",
                             *found);
    return std::nullopt;
  }
  if (!value.IsObject())
    return std::nullopt;
  std::vector<const rapidjson::Value::Member*> members;
  members.reserve(value.MemberCount());
  for (const auto& member : value.GetObject())
    members.push_back(&member);
  std::ranges::sort(members, {}, name_of);
  auto twice = std::ranges::adjacent_find(members, {}, name_of);
  auto shown = [](const auto* member) {
    std::string name;
    append_escaped(name, name_of(member), shown_bytes);
    return name;
  };
  if (twice != members.end())
    return shown(*twice);
  for (const auto* member : members)
    if (auto found = find_duplicate(member->value))
      return fmt::format("{}{}{}", shown(member),
                         found->starts_with('[') ? "" : ".", *found);
  return std::nullopt;
}

error_reply syntax_error(rapidjson::ParseErrorCode code, std::size_t offset) {
  if (code == rapidjson::kParseErrorStringInvalidEncoding)
    return bad_request(
        "invalid_utf8",
        fmt::format("the body is not UTF-8 at or after byte {}", offset));
  auto reason = std::string{rapidjson::GetParseError_En(code)};
  while (reason.ends_with('.'))
    reason.pop_back();
  return bad_request(
      "invalid_json",
      fmt::format("the body is not JSON at byte {}: {}", offset, reason));
}

bool starts_with_byte_order_mark(std::string_view text) {
  return text.starts_with("\xEF\xBB\xBF");
}

} // namespace

std::optional<error_reply> parse_json(std::string_view text,
                                      rapidjson::Document& document,
                                      const json_limits& limits) {
  if (starts_with_byte_order_mark(text))
    return bad_request("invalid_json", "the body is not JSON at byte 0: it "
                                       "begins with a byte order mark");
  rapidjson::MemoryStream stream{text.data(), text.size()};
  rapidjson::Reader reader;
  counting_handler handler{document, limits};
  // `Populate` runs the generator and then takes what the handler built.
  rapidjson::ParseResult result;
  auto generate = [&](rapidjson::Document&) {
    result = reader.Parse<parse_flags>(stream, handler);
    return !result.IsError();
  };
  document.Populate(generate);
  if (handler.refusal())
    return handler.refusal();
  if (result.IsError())
    return syntax_error(result.Code(), result.Offset());
  // The reader takes a NUL for the end of the text.
  if (stream.Tell() != text.size())
    return syntax_error(rapidjson::kParseErrorDocumentRootNotSingular,
                        stream.Tell());
  if (auto twice = find_duplicate(document))
    return bad_request("duplicate_key",
                       fmt::format("the key {} is there twice", *twice),
                       *twice);
  return std::nullopt;
}

// -- out ----------------------------------------------------------------------

json_text& json_text::begin_object() {
  writer_.StartObject();
  return *this;
}

json_text& json_text::end_object() {
  writer_.EndObject();
  return *this;
}

json_text& json_text::begin_list() {
  writer_.StartArray();
  return *this;
}

json_text& json_text::end_list() {
  writer_.EndArray();
  return *this;
}

json_text& json_text::key(std::string_view name) {
  writer_.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
  return *this;
}

json_text& json_text::text(std::string_view value) {
  // An empty view may have no address, which RapidJSON asserts on.
  writer_.String(value.empty() ? "" : value.data(),
                 static_cast<rapidjson::SizeType>(value.size()));
  return *this;
}

json_text& json_text::boolean(bool value) {
  writer_.Bool(value);
  return *this;
}

json_text& json_text::null() {
  writer_.Null();
  return *this;
}

json_text& json_text::number(double value) {
  if (std::isfinite(value))
    writer_.Double(value);
  else
    writer_.Null();
  return *this;
}

json_text& json_text::short_number(float value) {
  if (!std::isfinite(value))
    return null();
  auto text = fmt::format("{}", value);
  writer_.RawValue(text.data(), text.size(), rapidjson::kNumberType);
  return *this;
}

json_text& json_text::number(std::uint64_t value) {
  writer_.Uint64(value);
  return *this;
}

std::string_view json_text::view() const {
  return {buffer_.GetString(), buffer_.GetSize()};
}

std::string json_text::str() const {
  return std::string{view()};
}

} // namespace model_server
