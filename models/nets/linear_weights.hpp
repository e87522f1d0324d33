// The matrices of a network as the kernels read them.
#pragma once

#include "models/kernels/kernel_set.hpp"
#include "models/kernels/packed_product.hpp"

#include <cstddef>
#include <optional>
#include <vector>

namespace model_server {

/// How the matrices of a network are kept.
struct weight_form {
  /// Each as it is stored, or rounded to this.
  std::optional<number_format> format;
  /// Packed instead: copied in the order in which the kernels read them.
  std::optional<packed_format> packed;
};

/// A matrix with its bias, which may be empty: as it stands in a file, or
/// packed.
struct linear_weights {
  /// The numbers of `data` are null where it is packed, the sizes are not.
  matrix_view plain;
  std::optional<packed_view> packed;
  std::vector<float> bias;
  /// Of a plain matrix that does not lie in a mapped file.
  std::vector<std::byte> storage;

  std::size_t outputs() const {
    return plain.rows;
  }
  std::size_t inputs() const {
    return plain.columns;
  }
  const float* bias_or_null() const {
    return bias.empty() ? nullptr : bias.data();
  }

  /// One row as floats.
  void copy_row(std::size_t index, float* to) const;
};

} // namespace model_server
