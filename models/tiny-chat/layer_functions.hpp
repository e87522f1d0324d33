// The steps of a layer, with their gradients.
#pragma once

#include "models/tiny-chat/attention.hpp"

#include <cstdint>

namespace at {
class Tensor;
}

namespace model_server::tiny_chat {

// What a step hands to a matrix product is bfloat16 if `is_short`, which new
// processors multiply several times as fast, and float if not.

/// x / rms(x) * w for each row.
at::Tensor normed(const at::Tensor& x, const at::Tensor& w, double epsilon,
                  bool is_short);

/// x times the transposed w; `w` is float, `x` and the result as they come.
at::Tensor product(const at::Tensor& x, const at::Tensor& w);

/// silu(gate) * up, where a row of `x` is gate, then up.
at::Tensor gated(const at::Tensor& x);

/// x + delta with a share of delta dropped; the choice depends on `seed` alone.
at::Tensor added(const at::Tensor& x, const at::Tensor& delta, double rate,
                 std::uint64_t seed);

/// Attention from the joint projection of queries, keys and values to the
/// joined heads. `angles` is [positions, head_size]: cosines, then sines.
at::Tensor attended(const at::Tensor& x, const at::Tensor& angles,
                    const attention_sizes& sizes);

} // namespace model_server::tiny_chat
