// Packs matrices, and unpacks single rows.
#include "models/kernels/packed_matrix.hpp"

#include "models/kernels/group_scale.hpp"
#include "models/weights/half_floats.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

namespace model_server {

namespace {

// Places in a block. `lane` is the output in it.
constexpr std::size_t byte_of_int8(std::size_t lane, std::size_t column) {
  return column / 4 * 64 + lane * 4 + column % 4;
}

constexpr std::size_t byte_of_int4(std::size_t lane, std::size_t column) {
  return column / 8 * 64 + lane * 4 + column % 4;
}

constexpr bool is_high_half(std::size_t column) {
  return column % 8 >= 4;
}

constexpr std::size_t byte_of_bf16(std::size_t lane, std::size_t column) {
  return column / 2 * 64 + lane * 4 + column % 2 * 2;
}

constexpr std::size_t byte_of_scale(std::size_t lane, std::size_t group) {
  return (group * packed_block_rows + lane) * 2;
}

// `count` numbers of a row, from `begin` on.
void read(const matrix_view& from, std::size_t row, std::size_t begin,
          std::size_t count, float* to) {
  auto first = row * from.columns + begin;
  auto copy = [&](auto numbers) {
    for (std::size_t i = 0; i < count; ++i)
      to[i] = to_float(numbers[first + i]);
  };
  switch (from.format) {
  case number_format::bf16:
    return copy(static_cast<const bfloat16*>(from.data));
  case number_format::f16:
    return copy(static_cast<const float16*>(from.data));
  default:
    std::copy_n(static_cast<const float*>(from.data) + first, count, to);
  }
}

void put(std::byte* to, std::uint16_t bits) {
  std::memcpy(to, &bits, sizeof(bits));
}

std::uint16_t get(const std::byte* from) {
  std::uint16_t bits;
  std::memcpy(&bits, from, sizeof(bits));
  return bits;
}

void pack_group(const float* x, packed_format format, std::size_t lane,
                std::size_t group, std::byte* numbers, std::byte* scales) {
  auto is_int8 = format == packed_format::int8;
  auto packed = is_int8 ? to_int8_group(x) : to_int4_group(x);
  put(scales + byte_of_scale(lane, group), packed.scale.bits);
  for (std::size_t i = 0; i < packed_group; ++i) {
    auto column = group * packed_group + i;
    auto number = packed.numbers[i];
    if (is_int8)
      numbers[byte_of_int8(lane, column)] =
          static_cast<std::byte>(number + 128);
    else
      numbers[byte_of_int4(lane, column)] |= static_cast<std::byte>(
          (number + 8) << (is_high_half(column) ? 4 : 0));
  }
}

// One output of a block; all 0 if it is behind the last row.
void pack_row(const matrix_view& from, packed_format format, std::size_t row,
              std::byte* block) {
  auto lane = row % packed_block_rows;
  auto step = is_quantized(format) ? packed_group : 2;
  auto scales = block + packed_scales_offset(format, from.columns);
  for (std::size_t i = 0; i < packed_steps(format, from.columns); ++i) {
    float x[packed_group] = {};
    if (row < from.rows)
      read(from, row, i * step, std::min(step, from.columns - i * step), x);
    if (is_quantized(format))
      pack_group(x, format, lane, i, block, scales);
    else
      for (std::size_t j = 0; j < step; ++j)
        put(block + byte_of_bf16(lane, i * step + j), to_bfloat16(x[j]).bits);
  }
}

} // namespace

void pack_blocks(const matrix_view& from, packed_format format, std::byte* to,
                 std::size_t begin, std::size_t end) {
  auto bytes = packed_block_bytes(format, from.columns);
  for (auto i = begin; i < end; ++i) {
    auto block = to + i * bytes;
    std::fill_n(block, bytes, std::byte{0});
    for (std::size_t lane = 0; lane < packed_block_rows; ++lane)
      pack_row(from, format, i * packed_block_rows + lane, block);
  }
}

void unpack_row(const packed_view& from, std::size_t row, float* to) {
  auto block =
      from.data
      + row / packed_block_rows * packed_block_bytes(from.format, from.columns);
  auto scales = block + packed_scales_offset(from.format, from.columns);
  auto lane = row % packed_block_rows;
  for (std::size_t i = 0; i < from.columns; ++i) {
    if (from.format == packed_format::bf16) {
      to[i] = to_float(bfloat16{get(block + byte_of_bf16(lane, i))});
      continue;
    }
    auto group = i / packed_group;
    auto scale = to_float(float16{get(scales + byte_of_scale(lane, group))});
    int number;
    if (from.format == packed_format::int8) {
      number = std::to_integer<int>(block[byte_of_int8(lane, i)]) - 128;
    } else {
      auto both = std::to_integer<int>(block[byte_of_int4(lane, i)]);
      number = (is_high_half(i) ? both >> 4 : both & 15) - 8;
    }
    to[i] = static_cast<float>(number) * scale;
  }
}

} // namespace model_server
