// Causal attention of the training, forward and backward.
#pragma once

#include "models/tiny-chat/kernels.hpp"

#include <cstdint>

namespace model_server::tiny_chat {

/// Numbers in a head: fixed, so that the loops over them need no counting.
inline constexpr std::int64_t head_size = 32;

/// Sizes of one attention call.
struct attention_sizes {
  std::int64_t rows;     // sequences
  std::int64_t length;   // tokens of each
  std::int64_t kv_heads; // heads of keys and values
  std::int64_t group;    // query heads for each of them

  /// Numbers in a row of the joint projection: queries, keys, values.
  std::int64_t joint() const {
    return (group + 2) * kv_heads * head_size;
  }

  /// Numbers in a row of the joined heads.
  std::int64_t joined() const {
    return group * kv_heads * head_size;
  }

  /// Numbers that the forward pass keeps for the backward pass: one share of
  /// attention for each query and key.
  std::int64_t kept() const {
    return rows * kv_heads * group * length * length;
  }
};

/// Attends, from the joint projection `x` [rows, length, joint()] to the heads
/// `y` [rows, length, joined()]. `angles` is [positions, head_size]: cosines,
/// then sines. `shares` gets the shares of attention.
template <class T>
void attend(const T* x, const float* angles, T* y, float* shares,
            const attention_sizes& sizes);

/// Gradient of `attend`.
template <class T>
void attend_backward(const T* dy, const T* x, const float* angles,
                     const float* shares, T* dx, const attention_sizes& sizes);

} // namespace model_server::tiny_chat
