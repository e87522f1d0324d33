// How the numbers of a stored tensor are written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace model_server {

/// The formats that safetensors files know and that take whole bytes, and
/// those of GGUF files that hold quantized numbers in blocks.
enum class number_format {
  boolean,
  u8,
  i8,
  f8_e4m3,
  f8_e5m2,
  u16,
  i16,
  f16,
  bf16,
  u32,
  i32,
  f32,
  u64,
  i64,
  f64,
  // In blocks; dequantise_blocks.hpp says how.
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  q8_0,
  q2_k,
  q3_k,
  q4_k,
  q5_k,
  q6_k,
  iq4_nl,
  iq4_xs,
  mxfp4
};

/// What cannot be divided further: a row of a tensor is whole blocks.
struct number_block {
  std::size_t numbers;
  std::size_t bytes;

  friend bool operator==(const number_block&, const number_block&) = default;
};

/// The block of a format; of one number where every number stands for itself.
number_block block_of(number_format format);

/// Whether a block holds more than one number.
bool is_blocked(number_format format);

/// Bytes of one number, for formats where every number stands for itself.
std::size_t size_of(number_format format);

/// The name in a safetensors header, `F32`, or in llama.cpp, `Q4_K`.
std::string_view to_string(number_format format);

/// The format that a safetensors header calls so.
std::optional<number_format> format_named(std::string_view name);

/// The format that a GGUF file gives this number; nothing if it is not read.
std::optional<number_format> format_of_gguf(std::uint32_t type);

/// What llama.cpp calls a type of GGUF files, also one that is not read; empty
/// if there is none.
std::string_view gguf_type_name(std::uint32_t type);

} // namespace model_server
