// The input of a layer as the loops for packed matrices read it.
#pragma once

#include "models/kernels/aligned_floats.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace model_server {

struct packed_kernels;
enum class packed_format : std::uint32_t;

/// Up to `alone` rows make one tile; more are cut into tiles of at most `most`.
struct tile_limits {
  std::size_t alone;
  std::size_t most;
};

/// What is known of a group of a row beside its bytes.
enum class input_fact : std::size_t {
  /// Float.
  scale,
  /// -8 times the sum of the bytes, int32.
  offset,
  /// The scale times the sum of the bytes, float.
  scaled_sum,
  /// The sums of the first and of the last 16 bytes, int16 each.
  half_sums
};

/// Where the facts of one group and row lie.
struct input_facts {
  const std::byte* first;
  std::size_t stride;

  const std::byte* at(input_fact fact) const {
    return first + static_cast<std::size_t>(fact) * stride;
  }
};

/// Rows in tiles, those of one tile woven together so that a loop reads them in
/// one run. Kept from layer to layer for its memory. A step is a group of 32
/// columns, or a pair of them:
///
///   quantized  [steps][8][tile rows] of 4 bytes from -127 to 127, then
///              [input_fact][tile rows] of 4 bytes
///   floats     [steps][2][tile rows] float
///
/// with 0 behind the last column. A group with a number that is not finite is 0
/// with NaN for its scale.
class packed_input {
public:
  static constexpr std::size_t quantized_step_bytes = 32 + 4 * 4;
  static constexpr std::size_t float_step_bytes = 8;

  /// Makes room for rows of some form's loops and a kind of format (all but
  /// bf16 are one kind). What was there is lost.
  void reset(const packed_kernels& kernels, packed_format format,
             std::size_t rows, std::size_t columns);

  std::size_t rows() const {
    return rows_;
  }
  std::size_t columns() const {
    return columns_;
  }
  std::size_t steps() const {
    return steps_;
  }
  bool is_quantized() const {
    return step_bytes_ == quantized_step_bytes;
  }

  /// Tiles differ by at most one row.
  std::size_t tiles() const {
    return tiles_;
  }
  /// Where a tile begins; that of `tiles()` is the number of rows.
  std::size_t first_row(std::size_t tile) const {
    return tile * rows_ / tiles_;
  }
  std::size_t tile_of(std::size_t row) const {
    return ((row + 1) * tiles_ - 1) / rows_;
  }

  /// A step of one row, in bytes; a tile has as many of them as it has rows.
  std::size_t step_bytes() const {
    return step_bytes_;
  }
  std::byte* tile(std::size_t tile) {
    return bytes() + first_row(tile) * steps_ * step_bytes_;
  }
  const std::byte* tile(std::size_t tile) const {
    return bytes() + first_row(tile) * steps_ * step_bytes_;
  }

private:
  std::byte* bytes() {
    return reinterpret_cast<std::byte*>(memory_.data());
  }
  const std::byte* bytes() const {
    return reinterpret_cast<const std::byte*>(memory_.data());
  }

  std::size_t rows_ = 0, columns_ = 0, steps_ = 0, tiles_ = 1, step_bytes_ = 0;
  aligned_floats memory_;
};

} // namespace model_server
