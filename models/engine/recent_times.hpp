// The last few times that something took.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace model_server {

/// Keeps the last times, and gives their median: one that was held up by
/// something else decides nothing.
class recent_times {
public:
  void add(double seconds) {
    times_[count_ % times_.size()] = seconds;
    ++count_;
  }

  void clear() {
    count_ = 0;
  }

  /// How many were added, kept or not.
  std::size_t count() const {
    return count_;
  }

  /// Of an even number the longer one; there must be one at least.
  double median() const {
    auto sorted = times_;
    auto known = std::min(count_, sorted.size());
    auto middle = known / 2;
    for (std::size_t i = 0; i <= middle; ++i)
      std::swap(sorted[i], *std::min_element(sorted.data() + i,
                                             sorted.data() + known));
    return sorted[middle];
  }

private:
  std::array<double, 5> times_{};
  std::size_t count_ = 0;
};

} // namespace model_server
