// Functions of each of 16 floats, written once for any vector of them.
#pragma once

#include <cstddef>

// Included by loops_*.cpp as loops.hpp is.

namespace model_server {

/// `Lanes` as for `loops`. What is NaN stays so.
template <class Lanes>
struct vector_functions {
  using vector = typename Lanes::vector;

  // e^x for x of at most 0; below -87 it is 0.
  static inline vector exp_of_negative(vector x) {
    auto clamped = Lanes::larger(x, Lanes::spread(-87.0f));
    // x = n ln 2 + r. Adding and taking away a large number rounds to n, and
    // leaves n in the low bits of the sum.
    auto large = Lanes::spread(0x1.8p23f);
    auto shifted = Lanes::fma(clamped, Lanes::spread(1.44269504f), large);
    auto n = Lanes::subtract(shifted, large);
    auto r = Lanes::fma(n, Lanes::spread(-0.693359375f), clamped);
    r = Lanes::fma(n, Lanes::spread(2.12194440e-4f), r);
    auto p = Lanes::spread(1.9875691500e-4f);
    p = Lanes::fma(p, r, Lanes::spread(1.3981999507e-3f));
    p = Lanes::fma(p, r, Lanes::spread(8.3334519073e-3f));
    p = Lanes::fma(p, r, Lanes::spread(4.1665795894e-2f));
    p = Lanes::fma(p, r, Lanes::spread(1.6666665459e-1f));
    p = Lanes::fma(p, r, Lanes::spread(5.0000001201e-1f));
    p = Lanes::fma(p, Lanes::multiply(r, r), r);
    p = Lanes::add(p, Lanes::spread(1.0f));
    return Lanes::zero_below(x, -87.0f,
                             Lanes::multiply(p, Lanes::power_of_two(shifted)));
  }

  // x / (1 + e^-z), with the exponential of a negative number on either side.
  static inline vector times_sigmoid(vector x, vector z) {
    auto power = exp_of_negative(Lanes::negative_size(z));
    auto numerator = Lanes::multiply(
        x, Lanes::where_negative(z, power, Lanes::spread(1.0f)));
    return Lanes::divide(numerator, Lanes::add(power, Lanes::spread(1.0f)));
  }

  // Within 2e-7 of the exact value, relatively. Near 0 the polynomial of
  // Cephes; further off by the exponential of -2 |x|.
  static inline vector tanh(vector x) {
    auto square = Lanes::multiply(x, x);
    auto p = Lanes::spread(-5.70498872745e-3f);
    p = Lanes::fma(p, square, Lanes::spread(2.06390887954e-2f));
    p = Lanes::fma(p, square, Lanes::spread(-5.37397155531e-2f));
    p = Lanes::fma(p, square, Lanes::spread(1.33314422036e-1f));
    p = Lanes::fma(p, square, Lanes::spread(-3.33332819422e-1f));
    auto near = Lanes::fma(Lanes::multiply(p, square), x, x);
    auto minus = Lanes::negative_size(x);
    auto power = exp_of_negative(Lanes::add(minus, minus));
    auto one = Lanes::spread(1.0f);
    auto far =
        Lanes::divide(Lanes::subtract(one, power), Lanes::add(one, power));
    far = Lanes::where_negative(x, Lanes::subtract(Lanes::zero(), far), far);
    return Lanes::where_negative(Lanes::add(minus, Lanes::spread(0.625f)), far,
                                 near);
  }

  // The integral of the normal distribution up to -|x|, within 8e-8: half of
  // erfc by Abramowitz and Stegun, 7.1.26.
  static inline vector normal_tail(vector x) {
    auto z =
        Lanes::multiply(Lanes::negative_size(x), Lanes::spread(0.707106781f));
    auto one = Lanes::spread(1.0f);
    auto t = Lanes::divide(one, Lanes::fma(z, Lanes::spread(-0.3275911f), one));
    auto p = Lanes::spread(0.5f * 1.061405429f);
    p = Lanes::fma(p, t, Lanes::spread(0.5f * -1.453152027f));
    p = Lanes::fma(p, t, Lanes::spread(0.5f * 1.421413741f));
    p = Lanes::fma(p, t, Lanes::spread(0.5f * -0.284496736f));
    p = Lanes::fma(p, t, Lanes::spread(0.5f * 0.254829592f));
    auto power =
        exp_of_negative(Lanes::multiply(Lanes::subtract(Lanes::zero(), z), z));
    return Lanes::multiply(Lanes::multiply(p, t), power);
  }
};

} // namespace model_server
