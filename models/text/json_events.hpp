// A long JSON value, gone through and never kept.
#pragma once

#include "config/json_number.hpp"

#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace model_server {

/// What stands at a place of a JSON text.
struct json_event {
  enum class kind {
    begin_object,
    end_object,
    begin_list,
    end_list,
    key,
    text,
    number,
    other // true, false, null
  };

  kind is;
  /// How many lists and objects are around it.
  std::size_t depth;
  /// Of a key or text. Gone after the event.
  std::string_view text = {};
  json_number number = {};

  /// The number, if it is a whole one that fits.
  std::optional<std::int64_t> integer() const {
    return std::visit(
        [](auto value) -> std::optional<std::int64_t> {
          if constexpr (std::is_integral_v<decltype(value)>)
            if (std::in_range<std::int64_t>(value))
              return static_cast<std::int64_t>(value);
          return std::nullopt;
        },
        number);
  }
  double real() const {
    return std::visit([](auto value) { return static_cast<double>(value); },
                      number);
  }
};

/// Makes events of what a RapidJSON reader finds.
template <class On>
class json_event_handler
    : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>,
                                          json_event_handler<On>> {
public:
  using size = rapidjson::SizeType;

  explicit json_event_handler(On& on) : on_(on) {
  }

  bool Null() {
    return pass({kind::other, depth_});
  }
  bool Bool(bool) {
    return pass({kind::other, depth_});
  }
  bool RawNumber(const char* text, size length, bool) {
    auto number = read_json_number({text, length});
    return number && pass({kind::number, depth_, {}, *number});
  }
  bool String(const char* text, size length, bool) {
    return pass({kind::text, depth_, {text, length}});
  }
  bool Key(const char* text, size length, bool) {
    return pass({kind::key, depth_, {text, length}});
  }
  bool StartObject() {
    return pass({kind::begin_object, depth_++});
  }
  bool EndObject(size) {
    return pass({kind::end_object, --depth_});
  }
  bool StartArray() {
    return pass({kind::begin_list, depth_++});
  }
  bool EndArray(size) {
    return pass({kind::end_list, --depth_});
  }

private:
  using kind = json_event::kind;

  bool pass(const json_event& event) {
    on_(event);
    return true;
  }

  On& on_;
  std::size_t depth_ = 0;
};

/// Tells `on` of all that stands in `text`, which a `json_document` has
/// accepted. Uses as much memory as its longest string.
template <class On>
void visit_json(std::string_view text, On&& on) {
  rapidjson::MemoryStream stream{text.data(), text.size()};
  rapidjson::Reader reader;
  json_event_handler<std::remove_reference_t<On>> handler{on};
  constexpr auto flags = rapidjson::kParseIterativeFlag | exact_numbers_flag
                         | rapidjson::kParseStopWhenDoneFlag;
  [[maybe_unused]] auto result = reader.Parse<flags>(stream, handler);
  assert(!result.IsError());
}

} // namespace model_server
