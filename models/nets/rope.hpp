// Rotary positions: by which angles queries and keys are turned.
#pragma once

#include "models/weights/llama_config.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace model_server {

/// Angle per position of each pair of a head, `head / 2` of them, with the
/// scaling applied.
std::vector<float> rope_frequencies(const rope_config& rope, std::size_t head);

/// Cosine and sine of `position` times each frequency, written one after the
/// other: all cosines, then all sines.
void rope_turn(std::span<const float> frequencies, std::size_t position,
               float* cosines, float* sines);

} // namespace model_server
