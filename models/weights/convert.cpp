// Converts weights by way of floats.
#include "models/weights/convert.hpp"

#include "models/weights/dequantise.hpp"
#include "models/weights/half_floats.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <stdexcept>

namespace model_server {

namespace {

void require_worth(const tensor_view& tensor) {
  if (!can_dequantise(tensor.format))
    throw std::runtime_error(
        fmt::format("a tensor holds {}, which cannot be converted",
                    to_string(tensor.format)));
}

template <class Number, class Rounding>
std::vector<std::byte> convert_as(const tensor_view& tensor, Rounding round) {
  // As many floats at a time as fit in the nearest cache.
  constexpr std::size_t at_once = 4096;
  auto block = block_of(tensor.format);
  auto step = at_once / block.numbers * block.bytes;
  std::array<float, at_once> floats;
  std::vector<std::byte> result(count_numbers(tensor) * sizeof(Number));
  auto to = result.data();
  for (auto left = tensor.bytes; !left.empty();) {
    auto part = left.first(std::min(step, left.size()));
    left = left.subspan(part.size());
    dequantise(tensor.format, part, floats.data());
    auto count = part.size() / block.bytes * block.numbers;
    for (std::size_t i = 0; i < count; ++i) {
      Number number = round(floats[i]);
      std::memcpy(to + i * sizeof(number), &number, sizeof(number));
    }
    to += count * sizeof(Number);
  }
  return result;
}

} // namespace

std::uint64_t count_numbers(const tensor_view& tensor) {
  auto block = block_of(tensor.format);
  return tensor.bytes.size() / block.bytes * block.numbers;
}

std::vector<float> to_floats(const tensor_view& tensor) {
  require_worth(tensor);
  std::vector<float> result(count_numbers(tensor));
  dequantise(tensor.format, tensor.bytes, result.data());
  return result;
}

void rows_to_floats(const tensor_view& tensor, std::uint64_t begin,
                    std::uint64_t end, float* to) {
  require_worth(tensor);
  auto block = block_of(tensor.format);
  auto columns = tensor.shape.empty() ? 1 : tensor.shape.back();
  auto row = columns / block.numbers * block.bytes;
  assert(begin <= end && end * row <= tensor.bytes.size());
  dequantise(tensor.format,
             tensor.bytes.subspan(begin * row, (end - begin) * row), to);
}

std::vector<std::byte> convert(const tensor_view& tensor,
                               number_format format) {
  require_worth(tensor);
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
