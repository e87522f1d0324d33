// One value of the metadata of a GGUF file, where it lies in the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace model_server {

/// The types of values, with the numbers that files give them.
enum class gguf_type : std::uint32_t {
  u8 = 0,
  i8 = 1,
  u16 = 2,
  i16 = 3,
  u32 = 4,
  i32 = 5,
  f32 = 6,
  boolean = 7,
  string = 8,
  array = 9,
  u64 = 10,
  i64 = 11,
  f64 = 12
};

/// Bytes of a number or a boolean; 0 for strings, arrays and unknown types.
std::size_t size_of(gguf_type type);

/// `uint32`, as the format's description says; `unknown` for other numbers.
std::string_view to_string(gguf_type type);

constexpr bool is_integer(gguf_type type) {
  return type <= gguf_type::i32 || type == gguf_type::u64
         || type == gguf_type::i64;
}

/// A checked value; valid while the file is mapped. Booleans are 0 or 1,
/// strings end where their file does at the latest; they need not be UTF-8.
struct gguf_value {
  /// Of the elements if it is an array; arrays of arrays are not read.
  gguf_type type = gguf_type::u8;
  bool is_array = false;
  /// Of elements; 1 if it is no array.
  std::uint64_t count = 1;
  /// Strings with their lengths before them.
  std::span<const std::byte> bytes;
};

/// Goes through the elements of a value, one after the other.
class gguf_elements {
public:
  explicit gguf_elements(const gguf_value& value)
      : type_(value.type), left_(value.count), bytes_(value.bytes) {
  }

  bool done() const {
    return left_ == 0;
  }

  /// The next one; of an integer type or boolean. What is above the largest
  /// int64 becomes that.
  std::int64_t next_integer();
  /// The next one; of any type but string.
  double next_number();
  /// The next one; a string.
  std::string_view next_string();

private:
  template <class Number>
  Number take();

  gguf_type type_;
  std::uint64_t left_;
  std::span<const std::byte> bytes_;
};

} // namespace model_server
