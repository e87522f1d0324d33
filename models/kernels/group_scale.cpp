// Looks for the scales of groups.
#include "models/kernels/group_scale.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace model_server {

namespace {

constexpr std::uint16_t none = 0x7E00; // NaN
constexpr float largest_half = 65504.0f;

// The number of largest size, with its sign; NaN if one is not finite.
float extreme(const float* x) {
  auto result = 0.0f;
  for (std::size_t i = 0; i < packed_group; ++i) {
    if (!std::isfinite(x[i]))
      return std::numeric_limits<float>::quiet_NaN();
    if (std::fabs(x[i]) > std::fabs(result))
      result = x[i];
  }
  return result;
}

// To nearest, ties to even, between two limits: |x| is at most 2^22 after the
// first line.
inline int round_between(float x, float low, float high) {
  x = std::min(std::max(x, low), high);
  constexpr auto large = 0x1.8p23f;
  return static_cast<int>((x + large) - large);
}

scaled_group with_scale(const float* x, float16 scale, float low, float high) {
  scaled_group result;
  auto step = to_float(scale);
  if (step == 0.0f)
    return result;
  result.scale = scale;
  for (std::size_t i = 0; i < packed_group; ++i)
    result.numbers[i] = round_between(x[i] / step, low, high);
  return result;
}

float squared_error(const float* x, const scaled_group& group) {
  auto step = to_float(group.scale);
  auto result = 0.0f;
  for (std::size_t i = 0; i < packed_group; ++i) {
    auto error = x[i] - step * static_cast<float>(group.numbers[i]);
    result += error * error;
  }
  return result;
}

// Tries steps around the one that reaches the extreme with -8. For the integers
// of each, the best step is <x, q> / <q, q>, and leaves an error that falls
// with <x, q>^2 / <q, q>.
float best_int4_step(const float* x, float most) {
  auto best = most / -8.0f;
  auto most_gained = -1.0f;
  for (auto reach :
       {-8.5f, -8.0f, -7.75f, -7.5f, -7.25f, -7.0f, -6.5f, -6.0f}) {
    auto inverse = reach / most;
    auto xq = 0.0f;
    auto qq = 0.0f;
    for (std::size_t i = 0; i < packed_group; ++i) {
      auto number =
          static_cast<float>(round_between(x[i] * inverse, -8.0f, 7.0f));
      xq += x[i] * number;
      qq += number * number;
    }
    auto step = xq / qq;
    if (auto gained = xq * step; gained > most_gained) {
      most_gained = gained;
      best = step;
    }
  }
  return best;
}

} // namespace

scaled_group to_int8_group(const float* x) {
  auto most = std::fabs(extreme(x));
  auto step = most / 127.0f;
  if (!(step <= largest_half))
    return {float16{none}, {}};
  auto scale = to_float16(step);
  // Small steps are rounded coarsely: 127 of them must still reach the extreme.
  if (to_float(scale) * 127.5f < most)
    ++scale.bits;
  return with_scale(x, scale, -127.0f, 127.0f);
}

scaled_group to_int4_group(const float* x) {
  auto most = extreme(x);
  auto plain = to_float16(most / -8.0f);
  if (!(std::fabs(to_float(plain)) <= largest_half))
    return {float16{none}, {}};
  auto result = with_scale(x, plain, -8.0f, 7.0f);
  // Below this the squares lose their digits.
  if (std::fabs(most) < 0x1p-40f)
    return result;
  auto other = with_scale(x, to_float16(best_int4_step(x, most)), -8.0f, 7.0f);
  return squared_error(x, other) < squared_error(x, result) ? other : result;
}

} // namespace model_server
