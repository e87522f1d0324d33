// What stored numbers are worth.
#pragma once

#include "models/weights/number_format.hpp"

#include <cstddef>
#include <span>

namespace model_server {

/// Whether `dequantise` knows the format: all but booleans and floats of 8
/// bits, which mean nothing without scales from elsewhere.
bool can_dequantise(number_format format);

/// Writes the numbers of `from`, whole blocks of a format that
/// `can_dequantise`, to `to`, which has room for as many as there are. The
/// products are rounded as gguf-py rounds them, so that the floats are the same
/// to the bit; 64-bit numbers are rounded to nearest. Calls may overlap.
void dequantise(number_format format, std::span<const std::byte> from,
                float* to);

} // namespace model_server
