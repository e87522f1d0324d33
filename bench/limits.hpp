// What the processor and its memory can do at best.
#pragma once

#include "models/kernels/packed_matrix.hpp"

#include <cstddef>
#include <string_view>

/// Reads all of a memory aligned to 64 bytes, a multiple of 512, as so many
/// runs side by side (1, 4 or 8).
void read_all(const std::byte* data, std::size_t bytes, std::size_t streams);

/// Operations a second, two for a product and its sum, of one thread that only
/// repeats the instructions with which a form multiplies weights of a format;
/// measured at the first call. 0 if that is not known.
double operations_a_second(std::string_view form,
                           model_server::packed_format format);
