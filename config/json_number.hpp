// Numbers of JSON, read exactly.
//
// RapidJSON's own exact reading makes any number of a zero with many digits,
// `0.00000000000000000000`: it normalises a significand that has no bit set
// (rapidjson/internal/diyfp.h, 1.1.0). So its readers are asked for the text of
// numbers, and their handlers pass that on through `pass_number`.
#pragma once

#include <rapidjson/reader.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

namespace model_server {

/// For a reader whose handler's `RawNumber` does so.
inline constexpr unsigned exact_numbers_flag =
    rapidjson::kParseNumbersAsStringsFlag;

/// The first of these that holds a whole number, as RapidJSON does it.
using json_number =
    std::variant<unsigned, int, std::uint64_t, std::int64_t, double>;

/// A number of JSON's grammar. Nothing if it is beyond the largest double; what is
/// nearer to 0 than the smallest one is 0. Correctly rounded.
std::optional<json_number> read_json_number(std::string_view text);

/// Calls what `handler` has for a number of that kind, and returns its answer.
template <class Handler>
bool pass_number(const json_number& number, Handler& handler) {
  struct pass {
    Handler& to;
    bool operator()(unsigned value) const {
      return to.Uint(value);
    }
    bool operator()(int value) const {
      return to.Int(value);
    }
    bool operator()(std::uint64_t value) const {
      return to.Uint64(value);
    }
    bool operator()(std::int64_t value) const {
      return to.Int64(value);
    }
    bool operator()(double value) const {
      return to.Double(value);
    }
  };
  return std::visit(pass{handler}, number);
}

} // namespace model_server
