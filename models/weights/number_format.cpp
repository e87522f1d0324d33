// The table of number formats.
#include "models/weights/number_format.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

namespace model_server {

namespace {

constexpr std::uint32_t not_in_gguf = 0xFFFFFFFF;

struct line {
  number_format format;
  std::string_view name;
  number_block block;
  std::uint32_t gguf_type = not_in_gguf;
};

constexpr std::array<line, 28> table{{
    {number_format::boolean, "BOOL", {1, 1}},
    {number_format::u8, "U8", {1, 1}},
    {number_format::i8, "I8", {1, 1}, 24},
    {number_format::f8_e4m3, "F8_E4M3", {1, 1}},
    {number_format::f8_e5m2, "F8_E5M2", {1, 1}},
    {number_format::u16, "U16", {1, 2}},
    {number_format::i16, "I16", {1, 2}, 25},
    {number_format::f16, "F16", {1, 2}, 1},
    {number_format::bf16, "BF16", {1, 2}, 30},
    {number_format::u32, "U32", {1, 4}},
    {number_format::i32, "I32", {1, 4}, 26},
    {number_format::f32, "F32", {1, 4}, 0},
    {number_format::u64, "U64", {1, 8}},
    {number_format::i64, "I64", {1, 8}, 27},
    {number_format::f64, "F64", {1, 8}, 28},
    {number_format::q4_0, "Q4_0", {32, 18}, 2},
    {number_format::q4_1, "Q4_1", {32, 20}, 3},
    {number_format::q5_0, "Q5_0", {32, 22}, 6},
    {number_format::q5_1, "Q5_1", {32, 24}, 7},
    {number_format::q8_0, "Q8_0", {32, 34}, 8},
    {number_format::q2_k, "Q2_K", {256, 84}, 10},
    {number_format::q3_k, "Q3_K", {256, 110}, 11},
    {number_format::q4_k, "Q4_K", {256, 144}, 12},
    {number_format::q5_k, "Q5_K", {256, 176}, 13},
    {number_format::q6_k, "Q6_K", {256, 210}, 14},
    {number_format::iq4_nl, "IQ4_NL", {32, 18}, 20},
    {number_format::iq4_xs, "IQ4_XS", {256, 136}, 23},
    {number_format::mxfp4, "MXFP4", {32, 17}, 39},
}};

// Types of GGUF files that are known by name only.
constexpr std::array<std::pair<std::uint32_t, std::string_view>, 14> not_read{
    {{9, "Q8_1"},
     {15, "Q8_K"},
     {16, "IQ2_XXS"},
     {17, "IQ2_XS"},
     {18, "IQ3_XXS"},
     {19, "IQ1_S"},
     {21, "IQ3_S"},
     {22, "IQ2_S"},
     {29, "IQ1_M"},
     {34, "TQ1_0"},
     {35, "TQ2_0"},
     {40, "NVFP4"},
     {41, "Q1_0"},
     {42, "Q2_0"}}};

const line& line_of(number_format format) {
  return *std::ranges::find(table, format, &line::format);
}

const line* line_of_gguf(std::uint32_t type) {
  auto found = std::ranges::find(table, type, &line::gguf_type);
  return type == not_in_gguf || found == table.end() ? nullptr : &*found;
}

} // namespace

number_block block_of(number_format format) {
  return line_of(format).block;
}

bool is_blocked(number_format format) {
  return block_of(format).numbers > 1;
}

std::size_t size_of(number_format format) {
  auto block = block_of(format);
  assert(block.numbers == 1 && "a number of a block has no size of its own");
  return block.bytes;
}

std::string_view to_string(number_format format) {
  return line_of(format).name;
}

std::optional<number_format> format_named(std::string_view name) {
  auto found = std::ranges::find(table, name, &line::name);
  if (found == table.end() || found->block.numbers > 1)
    return std::nullopt;
  return found->format;
}

std::optional<number_format> format_of_gguf(std::uint32_t type) {
  auto found = line_of_gguf(type);
  return found == nullptr ? std::nullopt : std::optional{found->format};
}

std::string_view gguf_type_name(std::uint32_t type) {
  if (auto found = line_of_gguf(type))
    return found->name;
  for (auto [number, name] : not_read)
    if (number == type)
      return name;
  return {};
}

} // namespace model_server
