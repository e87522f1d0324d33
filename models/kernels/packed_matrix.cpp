// Packs matrices, and unpacks single rows.
#include "models/kernels/packed_matrix.hpp"

#include "models/kernels/group_scale.hpp"
#include "models/kernels/packed_places.hpp"
#include "models/weights/half_floats.hpp"

#include <algorithm>
#include <cassert>
#include <cstdint>

namespace model_server {

namespace {

constexpr std::size_t byte_of_bf16(std::size_t lane, std::size_t column) {
  return column / 2 * 64 + lane * 4 + column % 2 * 2;
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

// `numbers` and `scales` are where those of the group begin.
void pack_group(const float* x, packed_format format, std::size_t lane,
                std::byte* numbers, std::byte* scales) {
  auto is_int8 = format == packed_format::int8;
  auto packed = is_int8 ? to_int8_group(x) : to_int4_group(x);
  put_half(scales + 2 * lane, packed.scale);
  packed_numbers q;
  for (std::size_t i = 0; i < packed_group; ++i)
    q[i] = static_cast<std::uint8_t>(packed.numbers[i] + (is_int8 ? 128 : 8));
  put_numbers(layout_of(format).bits, numbers, lane, q);
}

// One output of a block; all 0 if it is behind the last row.
void pack_row(const matrix_view& from, packed_format format, std::size_t row,
              std::byte* block) {
  auto lane = row % packed_block_rows;
  auto layout = layout_of(format);
  auto step = layout.inputs;
  auto scales = block + packed_scales_offset(format, from.columns);
  for (std::size_t i = 0; i < packed_steps(format, from.columns); ++i) {
    float x[packed_group] = {};
    if (row < from.rows)
      read(from, row, i * step, std::min(step, from.columns - i * step), x);
    if (is_quantized(format))
      pack_group(x, format, lane, block + i * layout.numbers,
                 scales + i * layout.scales);
    else
      for (std::size_t j = 0; j < step; ++j)
        put_half(block + byte_of_bf16(lane, i * step + j),
                 float16{to_bfloat16(x[j]).bits});
  }
}

// A quantized number q is worth values[q] * scale + base.
struct group_worth {
  float scale;
  float base;
};

// `scales` and `supers` are where those of the group begin, `half` is that of
// its 16 inputs.
group_worth worth_of(packed_format format, const std::byte* scales,
                     const std::byte* supers, std::size_t lane,
                     std::size_t half) {
  constexpr auto width = packed_block_rows;
  auto float_at = [&](const std::byte* from) {
    return to_float(get_half(from + 2 * lane));
  };
  auto byte_at = [&](const std::byte* from) {
    return static_cast<float>(std::to_integer<int>(from[lane]));
  };
  switch (format) {
  case packed_format::q4_1:
  case packed_format::q5_1:
    return {float_at(scales), float_at(scales + 2 * width)};
  case packed_format::q4_k:
  case packed_format::q5_k:
    return {byte_at(scales) * float_at(supers),
            byte_at(scales + width) * float_at(supers + 2 * width)};
  case packed_format::q6_k:
    return {std::to_integer<std::int8_t>(scales[2 * lane + half])
                * float_at(supers),
            -0.0f};
  default:
    return {float_at(scales), -0.0f};
  }
}

int value_of(packed_format format, int q) {
  switch (format) {
  case packed_format::int8:
    return q - 128;
  case packed_format::int4:
    return q - 8;
  case packed_format::q5_0:
    return q - 16;
  case packed_format::q6_k:
    return q - 32;
  case packed_format::iq4_nl:
    return iq4_nl_values[q];
  default:
    return q;
  }
}

} // namespace

void pack_blocks(const matrix_view& from, packed_format format, std::byte* to,
                 std::size_t begin, std::size_t end) {
  assert(can_pack(format));
  auto bytes = packed_block_bytes(format, from.columns);
  for (auto i = begin; i < end; ++i) {
    auto block = to + i * bytes;
    std::fill_n(block, bytes, std::byte{0});
    for (std::size_t lane = 0; lane < packed_block_rows; ++lane)
      pack_row(from, format, i * packed_block_rows + lane, block);
  }
}

void unpack_row(const packed_view& from, std::size_t row, float* to) {
  auto format = from.format;
  auto layout = layout_of(format);
  auto block =
      from.data
      + row / packed_block_rows * packed_block_bytes(format, from.columns);
  auto scales = block + packed_scales_offset(format, from.columns);
  auto supers = block + packed_super_scales_offset(format, from.columns);
  auto lane = row % packed_block_rows;
  if (format == packed_format::bf16) {
    for (std::size_t i = 0; i < from.columns; ++i)
      to[i] = to_float(bfloat16{get_half(block + byte_of_bf16(lane, i)).bits});
    return;
  }
  constexpr auto half = packed_group / 2;
  for (std::size_t begin = 0; begin < from.columns; begin += half) {
    auto group = begin / packed_group;
    auto worth =
        worth_of(format, scales + group * layout.scales,
                 supers + group / packed_super_groups * layout.super_scales,
                 lane, begin % packed_group / half);
    for (auto i = begin; i < std::min(begin + half, from.columns); ++i) {
      auto q = get_number(layout.bits, block + group * layout.numbers, lane,
                          i % packed_group);
      to[i] =
          static_cast<float>(value_of(format, q)) * worth.scale + worth.base;
    }
  }
}

} // namespace model_server
