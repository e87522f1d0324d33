// Converts weights number by number.
#include "models/weights/convert.hpp"

#include "models/weights/half_floats.hpp"

#include <cstring>

namespace model_server {

namespace {

// Reads without asking for alignment.
template <class Number>
Number number_at(const tensor_view& tensor, std::size_t index) {
  Number result;
  std::memcpy(&result, tensor.bytes.data() + index * sizeof(result),
              sizeof(result));
  return result;
}

float float_at(const tensor_view& tensor, std::size_t index) {
  switch (tensor.format) {
  case number_format::f16:
    return to_float(number_at<float16>(tensor, index));
  case number_format::bf16:
    return to_float(number_at<bfloat16>(tensor, index));
  default:
    return number_at<float>(tensor, index);
  }
}

template <class Number, class Rounding>
std::vector<std::byte> convert_as(const tensor_view& tensor, Rounding round) {
  auto count = tensor.bytes.size() / size_of(tensor.format);
  std::vector<std::byte> result(count * sizeof(Number));
  for (std::size_t i = 0; i < count; ++i) {
    Number number = round(float_at(tensor, i));
    std::memcpy(result.data() + i * sizeof(number), &number, sizeof(number));
  }
  return result;
}

} // namespace

std::vector<float> to_floats(const tensor_view& tensor) {
  std::vector<float> result(tensor.bytes.size() / size_of(tensor.format));
  for (std::size_t i = 0; i < result.size(); ++i)
    result[i] = float_at(tensor, i);
  return result;
}

std::vector<std::byte> convert(const tensor_view& tensor,
                               number_format format) {
  switch (format) {
  case number_format::f16:
    return convert_as<float16>(tensor, to_float16);
  case number_format::bf16:
    return convert_as<bfloat16>(tensor, to_bfloat16);
  default:
    return convert_as<float>(tensor, [](float x) { return x; });
  }
}

} // namespace model_server
