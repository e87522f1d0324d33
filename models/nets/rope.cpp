// Computes the frequencies of rotary positions, as transformers does.
#include "models/nets/rope.hpp"

#include <cmath>
#include <numbers>

namespace model_server {

namespace {

// Llama 3.1: long waves are stretched, short ones left, those between blended.
double llama3_frequency(double frequency, const rope_config& rope) {
  auto wavelength = 2.0 * std::numbers::pi / frequency;
  if (wavelength < rope.original_context / rope.high_frequency_factor)
    return frequency;
  if (wavelength > rope.original_context / rope.low_frequency_factor)
    return frequency / rope.factor;
  auto smooth = (rope.original_context / wavelength - rope.low_frequency_factor)
                / (rope.high_frequency_factor - rope.low_frequency_factor);
  return (1.0 - smooth) * frequency / rope.factor + smooth * frequency;
}

} // namespace

std::vector<float> rope_frequencies(const rope_config& rope, std::size_t head) {
  std::vector<float> result;
  for (std::size_t i = 0; i < head; i += 2) {
    auto exponent = static_cast<double>(i) / static_cast<double>(head);
    auto frequency = 1.0 / std::pow(rope.theta, exponent);
    switch (rope.scaling) {
    case rope_config::kind::plain:
      break;
    case rope_config::kind::linear:
      frequency /= rope.factor;
      break;
    case rope_config::kind::llama3:
      frequency = llama3_frequency(frequency, rope);
      break;
    }
    result.push_back(static_cast<float>(frequency));
  }
  return result;
}

void rope_turn(std::span<const float> frequencies, std::size_t position,
               float* cosines, float* sines) {
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    // The product is rounded to a float, as the reference does.
    double angle = static_cast<float>(position) * frequencies[i];
    cosines[i] = static_cast<float>(std::cos(angle));
    sines[i] = static_cast<float>(std::sin(angle));
  }
}

} // namespace model_server
