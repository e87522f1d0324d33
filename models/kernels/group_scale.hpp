// How the numbers of one group become integers with a scale.
#pragma once

#include "models/kernels/packed_matrix.hpp"
#include "models/weights/half_floats.hpp"

#include <array>

namespace model_server {

/// A group is worth `numbers` times `scale`. A group that cannot be written has
/// NaN for its scale and zeros.
struct scaled_group {
  float16 scale{0};
  std::array<int, packed_group> numbers{};
};

/// Numbers from -127 to 127; each is within half a step.
scaled_group to_int8_group(const float* x);

/// Numbers from -8 to 7. The sum of squared errors is at most that of the step
/// that reaches the largest number with -8. An error is at most the step that
/// was chosen, or more where cutting off a number makes the others better.
scaled_group to_int4_group(const float* x);

} // namespace model_server
