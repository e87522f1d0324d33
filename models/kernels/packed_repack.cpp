// Takes quantized blocks apart and writes what they hold in another order.
#include "models/kernels/packed_repack.hpp"

#include "models/kernels/packed_places.hpp"

#include <algorithm>
#include <cassert>

namespace model_server {

namespace {

// Where the output of a row lies in its block.
struct lane_places {
  std::byte* numbers; // of a group
  std::byte* scales;  // of a group
  std::byte* supers;  // of 8 groups
  std::size_t lane;

  void put_scale(std::size_t kind, const std::byte* half) const {
    put_half(scales + (kind * packed_block_rows + lane) * 2, get_half(half));
  }
};

std::uint8_t byte_at(const std::byte* from) {
  return std::to_integer<std::uint8_t>(*from);
}

std::uint8_t half_of(const std::byte* from, bool is_high) {
  return is_high ? byte_at(from) >> 4 : byte_at(from) & 15;
}

// 32 numbers of 4 bits, or of 5 if there are fifth bits.
packed_numbers nibbles(const std::byte* from, const std::byte* fifths) {
  packed_numbers q;
  for (std::size_t i = 0; i < packed_group; ++i) {
    q[i] = half_of(from + i % 16, i >= 16);
    if (fifths != nullptr)
      q[i] |= (byte_at(fifths + i / 8) >> i % 8 & 1) << 4;
  }
  return q;
}

// What a number that does not exist is: each is worth 0 times the scale 0.
std::uint8_t zero_of(packed_format format) {
  return format == packed_format::int8   ? 128
         : format == packed_format::int4 ? 8
                                         : 0;
}

void put_q8_0(const std::byte* from, const lane_places& to) {
  to.put_scale(0, from);
  packed_numbers q;
  for (std::size_t i = 0; i < packed_group; ++i)
    q[i] = byte_at(from + 2 + i) ^ 128; // a sign becomes an offset
  put_numbers<8>(to.numbers, to.lane, q);
}

void put_small(ggml_block type, const std::byte* from, const lane_places& to) {
  auto has_base = type == ggml_block::q4_1 || type == ggml_block::q5_1;
  auto has_fifths = type == ggml_block::q5_0 || type == ggml_block::q5_1;
  to.put_scale(0, from);
  if (has_base)
    to.put_scale(1, from + 2);
  from += has_base ? 4 : 2;
  if (has_fifths)
    put_numbers<5>(to.numbers, to.lane, nibbles(from + 4, from));
  else
    put_numbers<4>(to.numbers, to.lane, nibbles(from, nullptr));
}

struct scale_and_minimum {
  int scale, minimum;
};

scale_and_minimum k_scale(const std::byte* from, std::size_t group) {
  auto low = [&](std::size_t i) { return int{byte_at(from + i)}; };
  if (group < 4)
    return {low(group) & 63, low(group + 4) & 63};
  auto i = group - 4;
  return {(low(8 + i) & 15) | low(i) >> 6 << 4,
          low(8 + i) >> 4 | low(4 + i) >> 6 << 4};
}

// One of the 8 groups of q4_k or q5_k.
void put_k(ggml_block type, const std::byte* from, std::size_t group,
           const lane_places& to) {
  auto [scale, minimum] = k_scale(from + 4, group);
  to.scales[to.lane] = static_cast<std::byte>(scale);
  to.scales[packed_block_rows + to.lane] = static_cast<std::byte>(minimum);
  auto e = get_half(from + 2);
  e.bits ^= 0x8000u; // it is subtracted there, added here
  put_half(to.supers + 2 * to.lane, get_half(from));
  put_half(to.supers + 2 * (packed_block_rows + to.lane), e);
  auto fifths = from + 16;
  auto low = fifths + (type == ggml_block::q5_k ? 32 : 0) + group / 2 * 32;
  packed_numbers q;
  for (std::size_t i = 0; i < packed_group; ++i)
    q[i] = half_of(low + i, group % 2 == 1);
  if (type == ggml_block::q4_k)
    return put_numbers<4>(to.numbers, to.lane, q);
  for (std::size_t i = 0; i < packed_group; ++i)
    q[i] |= (byte_at(fifths + i) >> group & 1) << 4;
  put_numbers<5>(to.numbers, to.lane, q);
}

// One of the 8 groups of q6_k.
void put_q6_k(const std::byte* from, std::size_t group, const lane_places& to) {
  auto upper = from + 128;
  auto scales = upper + 64;
  for (std::size_t half = 0; half < 2; ++half)
    to.scales[2 * to.lane + half] = scales[2 * group + half];
  put_half(to.supers + 2 * to.lane, get_half(scales + 16));
  auto low = from + group / 4 * 64 + group % 2 * 32;
  auto high = upper + group / 4 * 32;
  packed_numbers q;
  for (std::size_t i = 0; i < packed_group; ++i)
    q[i] = half_of(low + i, group % 4 >= 2)
           | (byte_at(high + i) >> 2 * (group % 4) & 3) << 4;
  put_numbers<6>(to.numbers, to.lane, q);
}

// One group of a row; `from` is the block that it lies in.
void put_group(ggml_block type, const std::byte* from, std::size_t group,
               const lane_places& to) {
  switch (type) {
  case ggml_block::q8_0:
    return put_q8_0(from, to);
  case ggml_block::q4_k:
  case ggml_block::q5_k:
    return put_k(type, from, group % 8, to);
  case ggml_block::q6_k:
    return put_q6_k(from, group % 8, to);
  default:
    return put_small(type, from, to);
  }
}

} // namespace

void repack_blocks(ggml_block type, const std::byte* from, std::size_t rows,
                   std::size_t columns, std::byte* to, std::size_t begin,
                   std::size_t end) {
  auto raw = layout_of(type);
  assert(columns % raw.numbers == 0);
  auto format = raw.packed;
  auto packed = layout_of(format);
  auto bytes = packed_block_bytes(format, columns);
  auto row_bytes = ggml_row_bytes(type, columns);
  packed_numbers zeros;
  zeros.fill(zero_of(format));
  for (auto b = begin; b < end; ++b) {
    auto block = to + b * bytes;
    auto scales = block + packed_scales_offset(format, columns);
    auto supers = block + packed_super_scales_offset(format, columns);
    std::fill_n(block, bytes, std::byte{0});
    for (std::size_t group = 0; group < columns / packed_group; ++group)
      for (std::size_t lane = 0; lane < packed_block_rows; ++lane) {
        auto row = b * packed_block_rows + lane;
        lane_places place{
            block + group * packed.numbers, scales + group * packed.scales,
            supers + group / packed_super_groups * packed.super_scales, lane};
        if (row < rows)
          put_group(type,
                    from + row * row_bytes
                        + group * packed_group / raw.numbers * raw.bytes,
                    group, place);
        else
          put_numbers(packed.bits, place.numbers, lane, zeros);
      }
  }
}

} // namespace model_server
