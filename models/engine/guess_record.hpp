// How often guesses about one sequence were right.
#pragma once

#include <array>
#include <cstddef>

namespace model_server {

/// Learns the chance of a guess from the length of the match it comes from: by
/// far the best sign, and what makes quoted text differ from ordinary text. A
/// guess need not have been read to be learned from: it is enough to know what
/// it would have been. So trying nothing costs nothing, and what pays is
/// noticed as soon as it begins.
class guess_record {
public:
  /// The chance that the next token is the one behind a match of `matched`
  /// tokens, at least one.
  double chance(std::size_t matched) const;

  /// What came of such a guess.
  void note(std::size_t matched, bool was_right);

private:
  struct counts {
    double right = 0.0;
    double all = 0.0;
  };

  // Of matches of 1 to 3 tokens, 4 to 7, 8 to 15, 16 to 31, and longer ones.
  static constexpr std::size_t kinds = 5;
  static std::size_t kind_of(std::size_t matched);

  std::array<counts, kinds> counts_{};
};

} // namespace model_server
