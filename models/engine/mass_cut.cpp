// A radix selection by mass: the key's upper bits first, then the next ones
// among the items that share them.
#include "models/engine/mass_cut.hpp"

#include <utility>

namespace model_server {

cut_place mass_cut::find(std::span<const float> weights,
                         std::span<const std::uint32_t> keys, double mass) {
  double before = 0.0;
  std::uint32_t prefix = 0;
  // Bits to look at, and those below them. 11 and 10 and 10 are 31.
  for (auto [bits, below] : {std::pair{11u, 20u}, {10u, 10u}, {10u, 0u}}) {
    masses_.assign(std::size_t{1} << bits, 0.0);
    auto mask = (1u << bits) - 1;
    for (std::size_t i = 0; i < keys.size(); ++i)
      if (keys[i] >> (bits + below) == prefix)
        masses_[(keys[i] >> below) & mask] += weights[i];
    // The sums of two levels differ by their rounding: what falls short ends
    // in the last range that has anything.
    std::uint32_t found = 0;
    auto before_found = before;
    for (std::uint32_t i = 0; i <= mask && before < mass; ++i)
      if (masses_[i] > 0.0) {
        found = i;
        before_found = before;
        before += masses_[i];
      }
    before = before_found;
    prefix = (prefix << bits) | found;
  }
  cut_place result{prefix, 0};
  for (std::size_t i = 0; i < keys.size() && before < mass; ++i)
    if (keys[i] == prefix) {
      result.index = i;
      before += weights[i];
    }
  return result;
}

} // namespace model_server
