// Finds where an order of weights reaches a mass, without sorting.
#pragma once

#include "models/engine/score_passes.hpp"

#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace model_server {

/// The last item that is needed: items with a smaller key come before it, and
/// of the same key those with a smaller index.
struct cut_place {
  order_key key = 0;
  std::size_t index = 0;
};

/// Finds such places. An object holds nothing but memory.
class mass_cut {
public:
  /// Takes weights in the order of their keys, lower indices first among
  /// equals, until their sum reaches `mass`; returns the one that does it, or
  /// the last of all that weighs anything. Keys are not negative; there is a
  /// weight above 0. It is fastest if the place has a key from `finest` to 2^28
  /// above it.
  cut_place find(std::span<const float> weights,
                 std::span<const order_key> keys, double mass,
                 order_key finest);

private:
  // Takes ranges in order while they fit into what is left of `mass`, which
  // it reduces; returns the one that does not.
  std::size_t take_ranges(double& mass) const;

  // The weights of the ranges of keys, as two sums to be added.
  std::array<std::vector<double>, 2> masses_;
  // Of the items in the range of the place.
  std::vector<float> weights_;
  std::vector<order_key> keys_;
  std::vector<std::size_t> indices_;
};

} // namespace model_server
