// Computes the frequencies of rotary positions, as transformers does.
#include "models/nets/rope.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace model_server {

namespace {

constexpr double full_turn = 2.0 * std::numbers::pi;

double llama3_frequency(double frequency, const rope_spec& rope) {
  auto wavelength = full_turn / frequency;
  if (wavelength < rope.original_context / rope.high_frequency_factor)
    return frequency;
  if (wavelength > rope.original_context / rope.low_frequency_factor)
    return frequency / rope.factor;
  auto smooth = (rope.original_context / wavelength - rope.low_frequency_factor)
                / (rope.high_frequency_factor - rope.low_frequency_factor);
  return (1.0 - smooth) * frequency / rope.factor + smooth * frequency;
}

// The pair that turns so often within the original context.
double pair_that_turns(double turns, const rope_spec& rope) {
  return static_cast<double>(rope.size)
         * std::log(rope.original_context / (turns * full_turn))
         / (2.0 * std::log(rope.theta));
}

// How much of a pair's frequency is divided, from 0 to 1.
double yarn_ramp(std::size_t pair, const rope_spec& rope) {
  auto low = pair_that_turns(rope.beta_fast, rope);
  auto high = pair_that_turns(rope.beta_slow, rope);
  if (rope.has_whole_ends) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(rope.size) - 1.0);
  // Not `high - low` where that is nothing.
  auto width = low < high || high < low ? high - low : 0.001;
  return std::clamp((static_cast<double>(pair) - low) / width, 0.0, 1.0);
}

double base_of(const rope_spec& rope, std::size_t context) {
  auto length = static_cast<double>(context);
  if (rope.scaling != rope_spec::kind::dynamic
      || length <= rope.original_context)
    return rope.theta;
  auto size = static_cast<double>(rope.size);
  return rope.theta
         * std::pow(rope.factor * length / rope.original_context
                        - (rope.factor - 1.0),
                    size / (size - 2.0));
}

} // namespace

std::vector<float> rope_frequencies(const rope_spec& rope,
                                    std::size_t context) {
  using enum rope_spec::kind;
  auto base = base_of(rope, context);
  auto is_long = static_cast<double>(context) > rope.original_context;
  auto& divisors = is_long ? rope.long_factors : rope.short_factors;
  std::vector<float> result;
  for (std::size_t pair = 0; pair < rope.size / 2; ++pair) {
    auto exponent =
        2.0 * static_cast<double>(pair) / static_cast<double>(rope.size);
    auto frequency = 1.0 / std::pow(base, exponent);
    if (rope.scaling == linear) {
      frequency /= rope.factor;
    } else if (rope.scaling == llama3) {
      frequency = llama3_frequency(frequency, rope);
    } else if (rope.scaling == yarn) {
      auto ramp = yarn_ramp(pair, rope);
      frequency = frequency / rope.factor * ramp + frequency * (1.0 - ramp);
    } else if (rope.scaling == longrope) {
      frequency /= divisors[pair];
    }
    result.push_back(static_cast<float>(frequency));
  }
  return result;
}

float rope_query_scale(const rope_spec& rope, std::size_t position) {
  if (rope.query_growth == 0.0)
    return 1.0f;
  auto contexts =
      std::floor(static_cast<double>(position) / rope.original_context);
  return static_cast<float>(1.0 + rope.query_growth * std::log1p(contexts));
}

void rope_turn(std::span<const float> frequencies, std::size_t position,
               float scale, float* cosines, float* sines) {
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    // The product is rounded to a float, as the reference does.
    double angle = static_cast<float>(position) * frequencies[i];
    cosines[i] = static_cast<float>(std::cos(angle)) * scale;
    sines[i] = static_cast<float>(std::sin(angle)) * scale;
  }
}

} // namespace model_server
