// The two 16-bit floating formats, and what they are worth.
#pragma once

#include <bit>
#include <cstdint>

namespace model_server {

/// A float without its lower 16 bits.
struct bfloat16 {
  std::uint16_t bits;
};

/// IEEE binary16.
struct float16 {
  std::uint16_t bits;
};

/// Exact.
inline float to_float(bfloat16 x) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(x.bits) << 16);
}

/// Exact.
inline float to_float(float16 x) {
  auto sign = static_cast<std::uint32_t>(x.bits & 0x8000u) << 16;
  auto rest = static_cast<std::uint32_t>(x.bits & 0x7FFFu);
  // As a float's exponent and fraction; the exponents differ by 112.
  auto wide = std::bit_cast<float>(rest << 13);
  if (rest >= 0x7C00u) // infinity or NaN
    return std::bit_cast<float>(sign | 0x7F800000u | (rest << 13));
  return std::bit_cast<float>(sign
                              | std::bit_cast<std::uint32_t>(wide * 0x1p112f));
}

/// Rounds to nearest, ties to even.
inline bfloat16 to_bfloat16(float x) {
  auto bits = std::bit_cast<std::uint32_t>(x);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) // NaN stays one
    return {static_cast<std::uint16_t>((bits >> 16) | 0x40u)};
  return {
      static_cast<std::uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16)};
}

/// Rounds to nearest, ties to even; what is too large becomes infinity.
inline float16 to_float16(float x) {
  auto bits = std::bit_cast<std::uint32_t>(x);
  auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000u);
  auto size = bits & 0x7FFFFFFFu;
  auto signed_half = [sign](std::uint32_t half) {
    return float16{static_cast<std::uint16_t>(sign | half)};
  };
  if (size > 0x7F800000u)
    return signed_half(0x7E00u);
  if (size >= 0x477FF000u) // rounds to 65536 or more
    return signed_half(0x7C00u);
  if (size < 0x38800000u) // a subnormal: the addition rounds its fraction
    return signed_half(
        std::bit_cast<std::uint32_t>(std::bit_cast<float>(size) + 0.5f)
        - std::bit_cast<std::uint32_t>(0.5f));
  auto rounded = size + 0xFFFu + ((size >> 13) & 1u);
  return signed_half((rounded >> 13) - (112u << 10));
}

} // namespace model_server
