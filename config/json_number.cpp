// Finds the type that holds a number, and converts it.
#include "config/json_number.hpp"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string>
#include <system_error>

namespace model_server {

namespace {

template <class Whole>
std::optional<json_number> read_whole(std::string_view text) {
  Whole value{};
  auto end = text.data() + text.size();
  auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || at != end)
    return std::nullopt;
  return json_number{value};
}

} // namespace

std::optional<json_number> read_json_number(std::string_view text) {
  for (auto read : {read_whole<unsigned>, read_whole<int>,
                    read_whole<std::uint64_t>, read_whole<std::int64_t>})
    if (auto whole = read(text))
      return whole;
  auto value = 0.0;
  auto [at, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc{})
    return value;
  // Too large, or too near to 0, which from_chars does not tell apart.
  value = std::strtod(std::string{text}.c_str(), nullptr);
  if (std::isinf(value))
    return std::nullopt;
  return value;
}

} // namespace model_server
