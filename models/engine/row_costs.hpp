// How long a pass takes, by the number of its rows.
#pragma once

#include "models/engine/recent_times.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace model_server {

/// Learns from passes that read no prompts what a row more costs: nearly
/// nothing while the weights are what takes the time, as much as any other row
/// once arithmetic is. Of each number of rows it knows the last few times and
/// goes by their median. What has not been seen for a while is forgotten, for
/// contexts grow and machines get busy. Pure arithmetic over the numbers it is
/// told.
class row_costs {
public:
  /// It knows nothing of passes of more rows.
  static constexpr std::size_t most_rows = 64;

  /// A time counts until so many others have come.
  static constexpr std::uint64_t passes_remembered = 256;

  /// A pass of this many rows took this long.
  void took(std::size_t rows, double seconds);

  /// Whether passes of this many rows were seen of late, and enough of them
  /// to compare others with.
  bool is_sure(std::size_t rows) const;

  /// What a pass of `rows` should take, of which `known` many would be taken
  /// anyway: never less than those. Between numbers of rows that are known a
  /// straight line; beyond them a row costs half of what it would if arithmetic
  /// were all, so that it is tried where most guesses are right, but at most a
  /// quarter of what is known. A few lucky or unlucky times decide
  /// nothing: until there are three, the better of what was measured and what
  /// was believed before is taken. Of `known` it is sure.
  double seconds(std::size_t rows, std::size_t known) const;

  /// Another number of threads, other times.
  void forget();

private:
  static constexpr std::size_t enough_times = 3;

  struct kind {
    recent_times times;
    std::uint64_t last = 0;
  };

  bool knows(std::size_t rows) const;
  double believed(std::size_t rows, std::size_t known) const;

  // By number of rows, from 1.
  std::array<kind, most_rows> kinds_{};
  std::uint64_t passes_ = 0;
};

} // namespace model_server
