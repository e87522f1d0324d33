// Weights in another number format than they are stored in.
#pragma once

#include "models/weights/number_format.hpp"
#include "models/weights/tensor_view.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace model_server {

/// How many numbers a tensor has.
std::uint64_t count_numbers(const tensor_view& tensor);

/// The numbers of a tensor as floats. Throws `std::runtime_error` for formats
/// that mean nothing by themselves, see `can_dequantise`.
std::vector<float> to_floats(const tensor_view& tensor);

/// Those of the rows `begin` to `end`, a row being what the last dimension
/// says, to `to`. Ranges may be converted by several threads at once. Throws as
/// `to_floats` does.
void rows_to_floats(const tensor_view& tensor, std::uint64_t begin,
                    std::uint64_t end, float* to);

/// The same as bytes of `format`, which is F32, F16 or BF16, rounded to
/// nearest.
std::vector<std::byte> convert(const tensor_view& tensor, number_format format);

} // namespace model_server
