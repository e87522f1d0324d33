// Weights in another number format than they are stored in.
#pragma once

#include "models/weights/number_format.hpp"
#include "models/weights/safetensors.hpp"

#include <cstddef>
#include <vector>

namespace model_server {

/// The numbers of an F32, F16 or BF16 tensor as floats.
std::vector<float> to_floats(const tensor_view& tensor);

/// The same as bytes of `format`, which is one of the three, rounded to
/// nearest.
std::vector<std::byte> convert(const tensor_view& tensor, number_format format);

} // namespace model_server
