// The first half of a feed-forward network: gate, up and activation.
#pragma once

#include "models/kernels/aligned_floats.hpp"
#include "models/nets/decoder_weights.hpp"
#include "models/nets/pass_products.hpp"

#include <cstddef>

namespace model_server {

/// Keeps what it computed until it is asked again.
class feed_forward {
public:
  feed_forward(const decoder_spec& spec, const kernel_set& kernels,
               pass_products& products);

  /// Makes room for so many rows of the widest network.
  void reserve(std::size_t rows);

  /// f(gate) * up of x [rows, hidden]: the input of the product with `down`.
  /// [rows, outputs of the gate], valid until the next call.
  const float* gated(const mlp_weights& mlp, const float* x, std::size_t rows);

private:
  const kernel_set& kernels_;
  pass_products& products_;
  activation activate_;
  std::size_t widest_;
  aligned_floats gates_, ups_; // [rows, widest]
};

} // namespace model_server
