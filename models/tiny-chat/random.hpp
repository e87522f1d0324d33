// The seeded random numbers of the training; the same on every machine.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace model_server::tiny_chat {

/// A source of random choices. Uses no distribution of the standard library,
/// because their results differ between implementations.
class random_source {
public:
  explicit random_source(std::uint64_t seed) : engine_(seed) {
  }

  /// Returns a number from 0 up to, not including, `limit`, which is above 0.
  std::size_t below(std::size_t limit) {
    return static_cast<std::size_t>(engine_() % limit);
  }

  /// Returns true with this probability.
  bool chance(double probability) {
    return static_cast<double>(engine_() >> 11) * 0x1.0p-53 < probability;
  }

  /// Returns one of the values, each with the same probability.
  template <class T>
  const T& one_of(const std::vector<T>& values) {
    return values[below(values.size())];
  }

private:
  std::mt19937_64 engine_;
};

} // namespace model_server::tiny_chat
