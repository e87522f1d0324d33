// Random numbers that are a function of a key and a place, with no state.
#pragma once

#include <array>
#include <cstdint>

namespace model_server {

/// Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as
/// easy as 1, 2, 3" (SC 2011): a bijection of 128-bit counters for each 64-bit
/// key.
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                    std::array<std::uint32_t, 2> key);

/// A number in [0, 1), a multiple of 2^-53, for the token at `position` of the
/// reply with this seed.
double uniform_at(std::uint64_t seed, std::uint64_t position);

} // namespace model_server
