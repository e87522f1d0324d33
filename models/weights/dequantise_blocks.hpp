// The blocks in which GGUF files hold quantized numbers, and their worth.
#pragma once

#include "models/weights/half_floats.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace model_server {

// A block holds, in this order (f16 is IEEE binary16, little endian; what has
// no sizes is one byte for each):
//
//   q4_0    f16 d, nibbles[16]                               d * (q - 8)
//   q4_1    f16 d, f16 m, nibbles[16]                        d * q + m
//   q5_0    f16 d, fifths[4], nibbles[16]                    d * (q - 16)
//   q5_1    f16 d, f16 m, fifths[4], nibbles[16]             d * q + m
//   q8_0    f16 d, q[32], q with a sign                      d * q
//   iq4_nl  f16 d, nibbles[16]                               d * curve[q]
//   mxfp4   e, nibbles[16]                         2^(e - 128) * twice_e2m1[q]
//   q2_k    sm[16], pairs[64], f16 d, f16 m          d * s * q - m * s'
//   q3_k    thirds[32], pairs[64], s[12], f16 d      d * (s - 32) * (q - 4)
//   q4_k    f16 d, f16 m, sm[12], nibbles[128]       d * s * q - m * s'
//   q5_k    f16 d, f16 m, sm[12], fifths[32], nibbles[128]       the same
//   q6_k    nibbles[128], pairs[64], s[16], f16 d    d * s * (q - 32)
//   iq4_xs  f16 d, upper s[2], lower s[4], nibbles[128]
//                                                  d * (s - 32) * curve[q]
//
// Blocks of 32: byte i of the nibbles has in its low half number i, in its high
// half number i + 16; bit i of the fifths, taken as one word, is the fifth bit
// of number i. In blocks of 256 a byte holds numbers that lie 32 apart, the
// first in its lowest bits: 4 of them in the pairs of 128 numbers, 2 in the
// nibbles of 64; in q6_k the nibbles are 64 apart, and in iq4_xs each 16 bytes
// are as in blocks of 32. Single bits lie 32 apart, too: bit g of byte i of the
// thirds and fifths is of number 32 g + i. In q2_k, q3_k and q6_k each 16
// numbers have a scale, in the others each 32.

namespace dequantised {

inline std::uint8_t byte_at(const std::byte* from, std::size_t i) {
  return std::to_integer<std::uint8_t>(from[i]);
}

inline float half_at(const std::byte* from) {
  float16 result;
  std::memcpy(&result, from, sizeof(result));
  return to_float(result);
}

/// What 4 bits are worth in iq4_nl and iq4_xs, before the scale.
inline constexpr std::array<float, 16> curve{
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/// What a float of 4 bits (sign, 2 of exponent, 1 of fraction) is worth, twice.
inline constexpr std::array<float, 16> twice_e2m1{
    0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

/// 2^(e - 128), half of what the exponent says: see `twice_e2m1`.
inline float half_of_power(std::uint8_t e) {
  auto bits = e < 2 ? 0x00200000u << e : (e - 1u) << 23;
  return std::bit_cast<float>(bits);
}

/// The low and the high halves of 16 bytes, `worth` of each.
template <class Worth>
inline void nibbles(const std::byte* from, float* to, Worth worth) {
  for (std::size_t i = 0; i < 16; ++i)
    to[i] = worth(byte_at(from, i) & 15);
  for (std::size_t i = 0; i < 16; ++i)
    to[16 + i] = worth(byte_at(from, i) >> 4);
}

/// The same with a fifth bit from the four bytes before them.
template <class Worth>
inline void five_bits(const std::byte* from, float* to, Worth worth) {
  std::uint32_t fifths;
  std::memcpy(&fifths, from, sizeof(fifths));
  from += sizeof(fifths);
  for (std::size_t i = 0; i < 16; ++i)
    to[i] = worth((byte_at(from, i) & 15)
                  | static_cast<int>((fifths >> i & 1) << 4));
  for (std::size_t i = 0; i < 16; ++i)
    to[16 + i] = worth((byte_at(from, i) >> 4)
                       | static_cast<int>((fifths >> (16 + i) & 1) << 4));
}

inline void q4_0(const std::byte* __restrict from, float* __restrict to) {
  auto d = half_at(from);
  nibbles(from + 2, to, [d](int q) { return d * static_cast<float>(q - 8); });
}

inline void q4_1(const std::byte* __restrict from, float* __restrict to) {
  auto d = half_at(from), m = half_at(from + 2);
  nibbles(from + 4, to,
          [d, m](int q) { return d * static_cast<float>(q) + m; });
}

inline void q5_0(const std::byte* __restrict from, float* __restrict to) {
  auto d = half_at(from);
  five_bits(from + 2, to,
            [d](int q) { return d * static_cast<float>(q - 16); });
}

inline void q5_1(const std::byte* __restrict from, float* __restrict to) {
  auto d = half_at(from), m = half_at(from + 2);
  five_bits(from + 4, to,
            [d, m](int q) { return d * static_cast<float>(q) + m; });
}

inline void q8_0(const std::byte* __restrict from, float* __restrict to) {
  auto d = half_at(from);
  for (std::size_t i = 0; i < 32; ++i)
    to[i] = d * static_cast<float>(static_cast<std::int8_t>(from[2 + i]));
}

inline void iq4_nl(const std::byte* __restrict from, float* __restrict to) {
  auto d = half_at(from);
  nibbles(from + 2, to,
          [d](int q) { return d * curve[static_cast<std::size_t>(q)]; });
}

inline void mxfp4(const std::byte* __restrict from, float* __restrict to) {
  auto d = half_of_power(byte_at(from, 0));
  nibbles(from + 1, to,
          [d](int q) { return d * twice_e2m1[static_cast<std::size_t>(q)]; });
}

inline void q2_k(const std::byte* __restrict from, float* __restrict to) {
  auto pairs = from + 16;
  auto d = half_at(from + 80), m = half_at(from + 82);
  for (std::size_t group = 0; group < 16; ++group) {
    auto s = byte_at(from, group);
    auto scale = d * static_cast<float>(s & 15);
    auto least = m * static_cast<float>(s >> 4);
    auto bytes = pairs + group / 8 * 32 + group % 2 * 16;
    auto shift = group % 8 / 2 * 2;
    for (std::size_t i = 0; i < 16; ++i)
      *to++ =
          scale * static_cast<float>(byte_at(bytes, i) >> shift & 3) - least;
  }
}

inline void q3_k(const std::byte* __restrict from, float* __restrict to) {
  auto thirds = from, pairs = from + 32, scales = from + 96;
  auto d = half_at(from + 108);
  for (std::size_t group = 0; group < 16; ++group) {
    // The lower 4 bits of 16 scales in 8 bytes, the upper 2 in 4 bytes.
    auto lower = byte_at(scales, group % 8) >> (group / 8 * 4) & 15;
    auto upper = byte_at(scales, 8 + group % 4) >> (group / 4 * 2) & 3;
    auto scale = d * static_cast<float>((lower | upper << 4) - 32);
    auto bytes = pairs + group / 8 * 32 + group % 2 * 16;
    auto bits = thirds + group % 2 * 16;
    auto shift = group % 8 / 2 * 2, bit = group / 2;
    for (std::size_t i = 0; i < 16; ++i) {
      auto q =
          (byte_at(bytes, i) >> shift & 3) | (byte_at(bits, i) >> bit & 1) << 2;
      *to++ = scale * static_cast<float>(q - 4);
    }
  }
}

/// Scales and least values of q4_k and q5_k: the lower 6 bits of the bytes 0 to
/// 3 and 4 to 7, then the halves of the bytes 8 to 11 with what is left above.
struct scale_pair {
  float scale;
  float least;
};

inline scale_pair pair_at(const std::byte* from, std::size_t group) {
  auto i = group % 4;
  int scale = byte_at(from, i), least = byte_at(from, 4 + i);
  int lower = byte_at(from, 8 + i);
  if (group < 4)
    return {static_cast<float>(scale & 63), static_cast<float>(least & 63)};
  return {static_cast<float>((lower & 15) | scale >> 6 << 4),
          static_cast<float>(lower >> 4 | least >> 6 << 4)};
}

inline void q4_k(const std::byte* __restrict from, float* __restrict to) {
  auto d = half_at(from), m = half_at(from + 2);
  for (std::size_t group = 0; group < 8; ++group) {
    auto pair = pair_at(from + 4, group);
    auto scale = d * pair.scale, least = m * pair.least;
    auto bytes = from + 16 + group / 2 * 32;
    auto shift = group % 2 * 4;
    for (std::size_t i = 0; i < 32; ++i)
      *to++ =
          scale * static_cast<float>(byte_at(bytes, i) >> shift & 15) - least;
  }
}

inline void q5_k(const std::byte* __restrict from, float* __restrict to) {
  auto d = half_at(from), m = half_at(from + 2);
  auto fifths = from + 16;
  for (std::size_t group = 0; group < 8; ++group) {
    auto pair = pair_at(from + 4, group);
    auto scale = d * pair.scale, least = m * pair.least;
    auto bytes = from + 48 + group / 2 * 32;
    auto shift = group % 2 * 4;
    for (std::size_t i = 0; i < 32; ++i) {
      auto q = (byte_at(bytes, i) >> shift & 15)
               | (byte_at(fifths, i) >> group & 1) << 4;
      *to++ = scale * static_cast<float>(q) - least;
    }
  }
}

inline void q6_k(const std::byte* __restrict from, float* __restrict to) {
  auto pairs = from + 128, scales = from + 192;
  auto d = half_at(from + 208);
  for (std::size_t group = 0; group < 16; ++group) {
    auto scale =
        d * static_cast<float>(static_cast<std::int8_t>(scales[group]));
    auto bytes = from + group / 8 * 64 + group % 4 * 16;
    auto uppers = pairs + group / 8 * 32 + group % 2 * 16;
    auto shift = group % 8 / 4 * 4, pair = group % 8 / 2 * 2;
    for (std::size_t i = 0; i < 16; ++i) {
      auto q = (byte_at(bytes, i) >> shift & 15)
               | (byte_at(uppers, i) >> pair & 3) << 4;
      *to++ = scale * static_cast<float>(q - 32);
    }
  }
}

inline void iq4_xs(const std::byte* __restrict from, float* __restrict to) {
  auto d = half_at(from);
  auto uppers = byte_at(from, 2) | byte_at(from, 3) << 8;
  for (std::size_t group = 0; group < 8; ++group) {
    auto lower = byte_at(from, 4 + group / 2) >> (group % 2 * 4) & 15;
    auto upper = uppers >> (group * 2) & 3;
    auto scale = d * static_cast<float>((lower | upper << 4) - 32);
    nibbles(from + 8 + group * 16, to + group * 32, [scale](int q) {
      return scale * curve[static_cast<std::size_t>(q)];
    });
  }
}

} // namespace dequantised

} // namespace model_server
