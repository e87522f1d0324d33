// Rotary positions: by which angles queries and keys are turned.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace model_server {

/// How positions turn queries and keys (Su et al. 2021, arXiv:2104.09864), and
/// how that was stretched to longer contexts.
struct rope_spec {
  enum class kind {
    plain,
    linear,  // positions divided by `factor`
    dynamic, // a larger base beyond `original_context`
    llama3,  // long waves divided, short ones left, those between blended
    yarn,    // the same along a ramp (Peng et al. 2023, arXiv:2309.00071)
    longrope // a divisor for each pair (Ding et al. 2024, arXiv:2402.13753)
  };
  kind scaling = kind::plain;
  /// Leading numbers of a head that are turned, even; the others stay.
  std::size_t size = 0;
  /// A pair is two neighbours; else a number of the first half with its
  /// counterpart in the second.
  bool is_interleaved = false;
  double theta = 10000.0;
  /// How much longer contexts became.
  double factor = 1.0;
  /// Tokens of a sequence before that.
  double original_context = 0.0;
  /// Scales queries and keys; for yarn and longrope.
  double attention_factor = 1.0;
  /// How queries grow with the position, by `rope_query_scale`; 0: not at all.
  double query_growth = 0.0;
  /// llama3 only: between the two, frequencies are blended.
  double low_frequency_factor = 1.0;
  double high_frequency_factor = 4.0;
  /// yarn only: turns within the original context at the ends of the ramp, and
  /// whether these ends are whole pairs.
  double beta_fast = 32.0;
  double beta_slow = 1.0;
  bool has_whole_ends = true;
  /// longrope only, `size / 2` each: divisors within and beyond the original
  /// context.
  std::vector<double> short_factors;
  std::vector<double> long_factors;

  friend bool operator==(const rope_spec&, const rope_spec&) = default;
};

/// Angle per position of each pair, `size / 2` of them, with the scaling
/// applied, as transformers computes them. Where the scaling depends on how
/// long a sequence is, `context` decides for all: what is stored of a sequence
/// stays right as it grows.
std::vector<float> rope_frequencies(const rope_spec& rope, std::size_t context);

/// What a query at `position` is multiplied with: 1 within the original context,
/// growing with the logarithm of how many of these it is away from the begin
/// (Llama 4 and Ministral 3, as transformers has it).
float rope_query_scale(const rope_spec& rope, std::size_t position);

/// Cosines and sines of `position` times each frequency, times `scale`.
void rope_turn(std::span<const float> frequencies, std::size_t position,
               float scale, float* cosines, float* sines);

} // namespace model_server
