// Turns stored numbers into floats, block by block.
#include "models/weights/dequantise.hpp"

#include "models/weights/dequantise_blocks.hpp"

#include <cassert>
#include <cstdint>
#include <cstring>

namespace model_server {

namespace {

template <auto Block>
void each_block(number_block size, std::span<const std::byte> from, float* to) {
  auto end = from.data() + from.size();
  for (auto at = from.data(); at != end; at += size.bytes) {
    Block(at, to);
    to += size.numbers;
  }
}

// Reads without asking for alignment.
template <class Number, class Worth>
void each_number(std::span<const std::byte> from, float* to, Worth worth) {
  auto count = from.size() / sizeof(Number);
  for (std::size_t i = 0; i < count; ++i) {
    Number number;
    std::memcpy(&number, from.data() + i * sizeof(number), sizeof(number));
    to[i] = worth(number);
  }
}

template <class Number>
void each_plain(std::span<const std::byte> from, float* to) {
  each_number<Number>(from, to, [](Number x) { return static_cast<float>(x); });
}

} // namespace

bool can_dequantise(number_format format) {
  return format != number_format::boolean && format != number_format::f8_e4m3
         && format != number_format::f8_e5m2;
}

void dequantise(number_format format, std::span<const std::byte> from,
                float* to) {
  auto size = block_of(format);
  assert(from.size() % size.bytes == 0 && "only whole blocks have a worth");
  switch (format) {
  case number_format::boolean:
  case number_format::f8_e4m3:
  case number_format::f8_e5m2:
    assert(false && "has no worth by itself");
    return;
  case number_format::u8:
    return each_plain<std::uint8_t>(from, to);
  case number_format::i8:
    return each_plain<std::int8_t>(from, to);
  case number_format::u16:
    return each_plain<std::uint16_t>(from, to);
  case number_format::i16:
    return each_plain<std::int16_t>(from, to);
  case number_format::f16:
    return each_number<float16>(from, to, [](auto x) { return to_float(x); });
  case number_format::bf16:
    return each_number<bfloat16>(from, to, [](auto x) { return to_float(x); });
  case number_format::u32:
    return each_plain<std::uint32_t>(from, to);
  case number_format::i32:
    return each_plain<std::int32_t>(from, to);
  case number_format::f32:
    if (!from.empty())
      std::memcpy(to, from.data(), from.size());
    return;
  case number_format::u64:
    return each_plain<std::uint64_t>(from, to);
  case number_format::i64:
    return each_plain<std::int64_t>(from, to);
  case number_format::f64:
    return each_plain<double>(from, to);
  case number_format::q4_0:
    return each_block<dequantised::q4_0>(size, from, to);
  case number_format::q4_1:
    return each_block<dequantised::q4_1>(size, from, to);
  case number_format::q5_0:
    return each_block<dequantised::q5_0>(size, from, to);
  case number_format::q5_1:
    return each_block<dequantised::q5_1>(size, from, to);
  case number_format::q8_0:
    return each_block<dequantised::q8_0>(size, from, to);
  case number_format::q2_k:
    return each_block<dequantised::q2_k>(size, from, to);
  case number_format::q3_k:
    return each_block<dequantised::q3_k>(size, from, to);
  case number_format::q4_k:
    return each_block<dequantised::q4_k>(size, from, to);
  case number_format::q5_k:
    return each_block<dequantised::q5_k>(size, from, to);
  case number_format::q6_k:
    return each_block<dequantised::q6_k>(size, from, to);
  case number_format::iq4_nl:
    return each_block<dequantised::iq4_nl>(size, from, to);
  case number_format::iq4_xs:
    return each_block<dequantised::iq4_xs>(size, from, to);
  case number_format::mxfp4:
    return each_block<dequantised::mxfp4>(size, from, to);
  }
}

} // namespace model_server
