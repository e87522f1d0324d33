// How much a tokenizer may make of a text.
#pragma once

#include <cstddef>

namespace model_server {

/// Steps of a file can double a text each, or write much for little. Throws
/// `pattern_gave_up` if `made` bytes are far more than any tokenizer makes of
/// `from`: over 64 times as many, and 64 KiB.
void check_growth(std::size_t made, std::size_t from);

} // namespace model_server
