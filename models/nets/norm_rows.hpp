// Norms of single rows, by their kind.
#pragma once

#include "models/kernels/kernel_set.hpp"
#include "models/nets/decoder_spec.hpp"
#include "models/nets/matrix_reader.hpp"

#include <cstddef>

namespace model_server {

/// y = x normed, both [size]; they may be the same. The weights of `norm` are
/// those from `first` on.
inline void norm_row(const kernel_set& kernels, norm_kind kind,
                     const matrix_reader::norm_weights& norm, double epsilon,
                     const float* x, float* y, std::size_t size,
                     std::size_t first = 0) {
  auto weight = norm.weight.data() + first;
  auto small = static_cast<float>(epsilon);
  if (kind == norm_kind::rms)
    kernels.rms_norm(x, weight, small, y, size);
  else
    kernels.layer_norm(x, weight,
                       norm.bias.empty() ? nullptr : norm.bias.data() + first,
                       small, y, size);
}

} // namespace model_server
