// Counts right guesses, recent ones more than old ones.
#include "models/engine/guess_record.hpp"

#include <algorithm>
#include <bit>

namespace model_server {

namespace {

// What is believed before anything is known, worth so many guesses: short
// matches are mostly chance, long ones mostly copies.
constexpr std::array<double, 5> first_chances = {0.2, 0.4, 0.6, 0.8, 0.9};
constexpr double first_weight = 4.0;

// Beyond so many, older guesses count half.
constexpr double most_counted = 32.0;

} // namespace

std::size_t guess_record::kind_of(std::size_t matched) {
  auto bits = static_cast<std::size_t>(std::bit_width(matched));
  return std::clamp<std::size_t>(bits, 2, kinds + 1) - 2;
}

double guess_record::chance(std::size_t matched) const {
  auto kind = kind_of(matched);
  auto& [right, all] = counts_[kind];
  return (right + first_weight * first_chances[kind]) / (all + first_weight);
}

void guess_record::note(std::size_t matched, bool was_right) {
  auto& [right, all] = counts_[kind_of(matched)];
  right += was_right ? 1.0 : 0.0;
  all += 1.0;
  if (all >= most_counted) {
    right /= 2.0;
    all /= 2.0;
  }
}

} // namespace model_server
