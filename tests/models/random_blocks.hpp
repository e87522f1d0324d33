// Rows of quantized blocks with random numbers.
#pragma once

#include "models/kernels/ggml_blocks.hpp"
#include "models/weights/half_floats.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <random>
#include <vector>

namespace model_server::testing {

inline constexpr ggml_block ggml_types[] = {
    ggml_block::q4_0, ggml_block::q4_1, ggml_block::q5_0,
    ggml_block::q5_1, ggml_block::q8_0, ggml_block::q4_k,
    ggml_block::q5_k, ggml_block::q6_k, ggml_block::iq4_nl};

/// Where in a block its numbers in binary16 lie.
inline std::vector<std::size_t> halves_of(ggml_block type) {
  switch (type) {
  case ggml_block::q6_k:
    return {208};
  case ggml_block::q4_1:
  case ggml_block::q5_1:
  case ggml_block::q4_k:
  case ggml_block::q5_k:
    return {0, 2};
  default:
    return {0};
  }
}

/// Blocks of equal bytes, each half of them `half`.
inline std::vector<std::byte> equal_blocks(ggml_block type, std::size_t rows,
                                           std::size_t columns, std::byte fill,
                                           float half) {
  std::vector<std::byte> result(rows * ggml_row_bytes(type, columns), fill);
  auto bits = to_float16(half).bits;
  for (std::size_t i = 0; i < result.size(); i += layout_of(type).bytes)
    for (auto at : halves_of(type))
      std::memcpy(&result[i + at], &bits, sizeof(bits));
  return result;
}

/// All bits are random, the numbers in binary16 about `spread`.
inline std::vector<std::byte> random_blocks(ggml_block type, std::size_t rows,
                                            std::size_t columns, float spread,
                                            std::mt19937& random) {
  std::vector<std::byte> result(rows * ggml_row_bytes(type, columns));
  std::generate(result.begin(), result.end(),
                [&] { return static_cast<std::byte>(random()); });
  std::normal_distribution<float> normal{0.0f, spread};
  for (std::size_t i = 0; i < result.size(); i += layout_of(type).bytes)
    for (auto at : halves_of(type)) {
      auto bits = to_float16(normal(random)).bits;
      std::memcpy(&result[i + at], &bits, sizeof(bits));
    }
  return result;
}

} // namespace model_server::testing
