// Reads single values of GGUF metadata.
#include "models/weights/gguf_value.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <limits>

namespace model_server {

std::size_t size_of(gguf_type type) {
  switch (type) {
  case gguf_type::u8:
  case gguf_type::i8:
  case gguf_type::boolean:
    return 1;
  case gguf_type::u16:
  case gguf_type::i16:
    return 2;
  case gguf_type::u32:
  case gguf_type::i32:
  case gguf_type::f32:
    return 4;
  case gguf_type::u64:
  case gguf_type::i64:
  case gguf_type::f64:
    return 8;
  case gguf_type::string:
  case gguf_type::array:
    break;
  }
  return 0;
}

std::string_view to_string(gguf_type type) {
  switch (type) {
  case gguf_type::u8:
    return "uint8";
  case gguf_type::i8:
    return "int8";
  case gguf_type::u16:
    return "uint16";
  case gguf_type::i16:
    return "int16";
  case gguf_type::u32:
    return "uint32";
  case gguf_type::i32:
    return "int32";
  case gguf_type::f32:
    return "float32";
  case gguf_type::boolean:
    return "bool";
  case gguf_type::string:
    return "string";
  case gguf_type::array:
    return "array";
  case gguf_type::u64:
    return "uint64";
  case gguf_type::i64:
    return "int64";
  case gguf_type::f64:
    return "float64";
  }
  return "unknown";
}

template <class Number>
Number gguf_elements::take() {
  assert(left_ > 0 && bytes_.size() >= sizeof(Number));
  Number result;
  std::memcpy(&result, bytes_.data(), sizeof(result));
  bytes_ = bytes_.subspan(sizeof(result));
  --left_;
  return result;
}

std::int64_t gguf_elements::next_integer() {
  switch (type_) {
  case gguf_type::u8:
  case gguf_type::boolean:
    return take<std::uint8_t>();
  case gguf_type::i8:
    return take<std::int8_t>();
  case gguf_type::u16:
    return take<std::uint16_t>();
  case gguf_type::i16:
    return take<std::int16_t>();
  case gguf_type::u32:
    return take<std::uint32_t>();
  case gguf_type::i32:
    return take<std::int32_t>();
  case gguf_type::u64: {
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    return static_cast<std::int64_t>(
        std::min(take<std::uint64_t>(), static_cast<std::uint64_t>(most)));
  }
  case gguf_type::i64:
    return take<std::int64_t>();
  default:
    assert(false && "not an integer");
    return 0;
  }
}

double gguf_elements::next_number() {
  if (type_ == gguf_type::f32)
    return static_cast<double>(take<float>());
  if (type_ == gguf_type::f64)
    return take<double>();
  return static_cast<double>(next_integer());
}

std::string_view gguf_elements::next_string() {
  assert(type_ == gguf_type::string);
  auto size = static_cast<std::size_t>(take<std::uint64_t>());
  std::string_view result{reinterpret_cast<const char*>(bytes_.data()), size};
  bytes_ = bytes_.subspan(size);
  return result;
}

} // namespace model_server
