// The matrices of a network as the kernels read them.
#include "models/nets/linear_weights.hpp"

#include "models/weights/half_floats.hpp"

#include <algorithm>

namespace model_server {

void linear_weights::copy_row(std::size_t index, float* to) const {
  if (packed)
    return unpack_row(*packed, index, to);
  auto begin = index * plain.columns;
  auto copy = [&](auto numbers) {
    for (std::size_t i = 0; i < plain.columns; ++i)
      to[i] = to_float(numbers[begin + i]);
  };
  switch (plain.format) {
  case number_format::bf16:
    return copy(static_cast<const bfloat16*>(plain.data));
  case number_format::f16:
    return copy(static_cast<const float16*>(plain.data));
  default:
    std::copy_n(static_cast<const float*>(plain.data) + begin, plain.columns,
                to);
  }
}

} // namespace model_server
