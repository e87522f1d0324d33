// Queries, keys and values that go through a narrow vector (DeepSeek V2, MLA).
#pragma once

#include "models/kernels/aligned_floats.hpp"
#include "models/nets/decoder_weights.hpp"
#include "models/nets/pass_products.hpp"

#include <cstddef>

namespace model_server {

/// Makes heads like those of other attention. The numbers that are turned come
/// first in them, and values are filled up with 0 to the size of a key.
class latent_heads {
public:
  latent_heads(const decoder_spec& spec, const kernel_set& kernels,
               pass_products& products)
      : heads_(spec.heads),
        head_(spec.head),
        kernels_(kernels),
        products_(products) {
  }

  /// x [rows, hidden] to y [rows, queries, then keys, then values].
  void project(const latent_spec& spec, const layer_weights& layer,
               const float* x, std::size_t rows, float* y);

  /// Takes out again, in place, what values were filled up with: `values` is
  /// [rows, heads, head] and becomes [rows, heads, value].
  void close_up(std::size_t value, std::size_t rows, float* values) const;

private:
  void norm_narrow(const norm_weights& norm, std::size_t rows,
                   std::size_t size);
  void arrange(const latent_spec& spec, std::size_t row, float* y) const;

  std::size_t heads_, head_;
  const kernel_set& kernels_;
  pass_products& products_;
  // Kept for their memory.
  aligned_floats narrow_; // [rows, rank of queries or of keys]
  aligned_floats asked_;  // [rows, heads, head]
  aligned_floats down_;   // [rows, rank + turned]
  aligned_floats up_;     // [rows, heads, still + value]
};

} // namespace model_server
