// Where in a block of a packed matrix its numbers lie.
#pragma once

#include "models/kernels/packed_layout.hpp"
#include "models/weights/half_floats.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace model_server {

/// The numbers q of one group of one output.
using packed_numbers = std::array<std::uint8_t, packed_group>;

/// Some bits of a byte.
struct packed_place {
  std::size_t byte; // from where the numbers of a group begin
  std::size_t shift;
};

/// The lowest 4 bits of a number, or all 8; `lane` is the output in its block,
/// `input` that in its group.
constexpr packed_place low_place(std::size_t bits, std::size_t lane,
                                 std::size_t input) {
  auto at = lane * 4 + input % 4;
  auto half = input % 8 / 4 * 4;
  switch (bits) {
  case 4:
    return {input / 8 * 64 + at, half};
  case 5:
    return {(1 + input / 8) * 64 + at, half};
  case 6:
    return {(1 + input / 16 * 3 + input % 16 / 8) * 64 + at, half};
  default:
    return {input / 4 * 64 + at, 0};
  }
}

/// The bits above them, for 5 and 6 bits.
constexpr packed_place high_place(std::size_t bits, std::size_t lane,
                                  std::size_t input) {
  auto at = lane * 4 + input % 4;
  return bits == 5 ? packed_place{at, input / 4}
                   : packed_place{input / 16 * 192 + at, input % 16 / 4 * 2};
}

/// `to` is where the numbers of the group begin; it has been filled with 0.
template <std::size_t Bits>
void put_numbers(std::byte* to, std::size_t lane, const packed_numbers& q) {
  for (std::size_t i = 0; i < packed_group; ++i) {
    auto low = low_place(Bits, lane, i);
    to[low.byte] |=
        static_cast<std::byte>((Bits == 8 ? q[i] : q[i] & 15) << low.shift);
    if constexpr (Bits == 5 || Bits == 6) {
      auto high = high_place(Bits, lane, i);
      to[high.byte] |= static_cast<std::byte>((q[i] >> 4) << high.shift);
    }
  }
}

inline void put_numbers(std::size_t bits, std::byte* to, std::size_t lane,
                        const packed_numbers& q) {
  switch (bits) {
  case 4:
    return put_numbers<4>(to, lane, q);
  case 5:
    return put_numbers<5>(to, lane, q);
  case 6:
    return put_numbers<6>(to, lane, q);
  default:
    return put_numbers<8>(to, lane, q);
  }
}

inline int get_number(std::size_t bits, const std::byte* from, std::size_t lane,
                      std::size_t input) {
  auto at = [&](packed_place place) {
    return std::to_integer<int>(from[place.byte]) >> place.shift;
  };
  auto low = at(low_place(bits, lane, input));
  if (bits == 8)
    return low;
  auto high =
      bits == 4 ? 0 : at(high_place(bits, lane, input)) & (bits == 5 ? 1 : 3);
  return (low & 15) | high << 4;
}

inline void put_half(std::byte* to, float16 x) {
  std::memcpy(to, &x.bits, sizeof(x.bits));
}

inline float16 get_half(const std::byte* from) {
  float16 result;
  std::memcpy(&result.bits, from, sizeof(result.bits));
  return result;
}

} // namespace model_server
