// How the numbers of a stored tensor are written.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace model_server {

/// The formats that safetensors files know and that take whole bytes.
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
  f64
};

/// Bytes of one number.
std::size_t size_of(number_format format);

/// The name in a safetensors header, `F32`.
std::string_view to_string(number_format format);

/// The format that a safetensors header calls so.
std::optional<number_format> format_named(std::string_view name);

} // namespace model_server
