// The table of number formats.
#include "models/weights/number_format.hpp"

#include <algorithm>
#include <array>

namespace model_server {

namespace {

struct line {
  number_format format;
  std::string_view name;
  std::size_t size;
};

constexpr std::array<line, 15> table{{
    {number_format::boolean, "BOOL", 1},
    {number_format::u8, "U8", 1},
    {number_format::i8, "I8", 1},
    {number_format::f8_e4m3, "F8_E4M3", 1},
    {number_format::f8_e5m2, "F8_E5M2", 1},
    {number_format::u16, "U16", 2},
    {number_format::i16, "I16", 2},
    {number_format::f16, "F16", 2},
    {number_format::bf16, "BF16", 2},
    {number_format::u32, "U32", 4},
    {number_format::i32, "I32", 4},
    {number_format::f32, "F32", 4},
    {number_format::u64, "U64", 8},
    {number_format::i64, "I64", 8},
    {number_format::f64, "F64", 8},
}};

const line& line_of(number_format format) {
  return *std::ranges::find(table, format, &line::format);
}

} // namespace

std::size_t size_of(number_format format) {
  return line_of(format).size;
}

std::string_view to_string(number_format format) {
  return line_of(format).name;
}

std::optional<number_format> format_named(std::string_view name) {
  auto found = std::ranges::find(table, name, &line::name);
  if (found == table.end())
    return std::nullopt;
  return found->format;
}

} // namespace model_server
