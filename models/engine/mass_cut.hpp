// Finds where an order of weights reaches a mass, without sorting.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace model_server {

/// The last item that is needed: items with a smaller key come before it, and
/// of the same key those with a smaller index.
struct cut_place {
  std::uint32_t key = 0;
  std::size_t index = 0;
};

/// Finds such places. An object holds nothing but memory.
class mass_cut {
public:
  /// Takes weights in the order of their keys, lower indices first among
  /// equals, until their sum reaches `mass`; returns the one that does it, or
  /// the last of all. Keys are below 2^31; there is at least one weight.
  cut_place find(std::span<const float> weights,
                 std::span<const std::uint32_t> keys, double mass);

private:
  std::vector<double> masses_;
};

} // namespace model_server
