// Compares what a network says with what it should.
#pragma once

#include "models/entry.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace model_server::testing {

inline token_id best_of(const std::vector<float>& scores) {
  return static_cast<token_id>(std::ranges::max_element(scores)
                               - scores.begin());
}

/// The largest difference, as a part of the largest score.
inline double distance(const std::vector<float>& scores,
                       const std::vector<float>& reference) {
  double most = 0.0, difference = 0.0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    most = std::max(most, std::abs(double{reference[i]}));
    difference =
        std::max(difference, std::abs(double{scores[i]} - reference[i]));
  }
  return difference / most;
}

} // namespace model_server::testing
