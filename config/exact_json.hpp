// Documents whose numbers are read exactly.
#pragma once

#include "config/json_number.hpp"

#include <rapidjson/document.h>
#include <rapidjson/reader.h>

namespace model_server {

/// Passes what a reader finds on to a document.
class exact_document_handler
    : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>,
                                          exact_document_handler> {
public:
  using size = rapidjson::SizeType;

  explicit exact_document_handler(rapidjson::Document& document)
      : to_(document) {
  }

  bool Null() {
    return to_.Null();
  }
  bool Bool(bool value) {
    return to_.Bool(value);
  }
  bool RawNumber(const char* text, size length, bool) {
    auto number = read_json_number({text, length});
    return number && pass_number(*number, to_);
  }
  bool String(const char* text, size length, bool copies) {
    return to_.String(text, length, copies);
  }
  bool StartObject() {
    return to_.StartObject();
  }
  bool Key(const char* text, size length, bool copies) {
    return to_.Key(text, length, copies);
  }
  bool EndObject(size members) {
    return to_.EndObject(members);
  }
  bool StartArray() {
    return to_.StartArray();
  }
  bool EndArray(size items) {
    return to_.EndArray(items);
  }

private:
  rapidjson::Document& to_;
};

/// Parses the text of `stream` through `handler`, which passes it on to `to`;
/// that keeps nothing of it.
template <unsigned Flags, class Stream, class Handler>
rapidjson::ParseResult parse_with(rapidjson::Document& to, Stream& stream,
                                  Handler& handler) {
  rapidjson::ParseResult result;
  // `Populate` takes what the handler built.
  auto generate = [&](rapidjson::Document&) {
    rapidjson::Reader reader;
    result = reader.Parse<Flags | exact_numbers_flag>(stream, handler);
    return !result.IsError();
  };
  to.Populate(generate);
  // The handler stops at nothing else.
  if (result.Code() == rapidjson::kParseErrorTermination)
    result.Set(rapidjson::kParseErrorNumberTooBig, result.Offset());
  return result;
}

/// The same, all of it.
template <unsigned Flags, class Stream>
rapidjson::ParseResult parse_exactly(rapidjson::Document& to, Stream& stream) {
  exact_document_handler handler{to};
  return parse_with<Flags>(to, stream, handler);
}

} // namespace model_server
