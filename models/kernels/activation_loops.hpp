// The functions of a feed-forward network, written once for any vector of 16
// floats.
#pragma once

#include "models/kernels/kernel_set.hpp"
#include "models/kernels/vector_functions.hpp"

#include <cstddef>

// Included by loops_*.cpp as loops.hpp is.

namespace model_server {

/// `Lanes` as for `loops`.
template <class Lanes>
struct activation_loops {
  using vector = typename Lanes::vector;
  using functions = vector_functions<Lanes>;
  static constexpr std::size_t width = 16;

  static inline vector scaled(vector x, float factor) {
    return Lanes::multiply(x, Lanes::spread(factor));
  }

  // What is NaN stays so, as the second one for `larger`.
  static inline vector at_least(vector x, float limit) {
    return Lanes::larger(Lanes::spread(limit), x);
  }

  static inline vector at_most(vector x, float limit) {
    auto zero = Lanes::zero();
    return Lanes::subtract(zero, at_least(Lanes::subtract(zero, x), -limit));
  }

  static inline vector gelu(vector x) {
    auto tail = functions::normal_tail(x);
    auto rest = Lanes::subtract(Lanes::spread(1.0f), tail);
    return Lanes::multiply(x, Lanes::where_negative(x, tail, rest));
  }

  // x (1 + tanh u) / 2 is x times the sigmoid of 2 u.
  static inline vector gelu_tanh(vector x) {
    auto cubic = Lanes::fma(scaled(Lanes::multiply(x, x), 0.044715f), x, x);
    return functions::times_sigmoid(x, scaled(cubic, 1.59576912f));
  }

  template <activation Kind>
  static inline vector apply(vector x) {
    if constexpr (Kind == activation::silu)
      return functions::times_sigmoid(x, x);
    else if constexpr (Kind == activation::gelu)
      return gelu(x);
    else if constexpr (Kind == activation::gelu_tanh)
      return gelu_tanh(x);
    else if constexpr (Kind == activation::quick_gelu)
      return functions::times_sigmoid(x, scaled(x, 1.702f));
    else if constexpr (Kind == activation::relu)
      return at_least(x, 0.0f);
    else
      return Lanes::multiply(at_least(x, 0.0f), at_least(x, 0.0f));
  }

  template <activation Kind>
  static inline vector apply(vector gate, vector up) {
    if constexpr (Kind == activation::clamped_swiglu) {
      auto bounded = apply<activation::quick_gelu>(at_most(gate, 7.0f));
      auto factor = at_least(at_most(up, 7.0f), -7.0f);
      return Lanes::multiply(Lanes::add(factor, Lanes::spread(1.0f)), bounded);
    } else {
      return Lanes::multiply(apply<Kind>(gate), up);
    }
  }

  template <activation Kind>
  static void with_gate(float* gate, const float* up, std::size_t count) {
    std::size_t i = 0;
    for (; i + width <= count; i += width)
      Lanes::store(gate + i,
                   apply<Kind>(Lanes::load(gate + i), Lanes::load(up + i)));
    if (i < count)
      Lanes::store_some(gate + i,
                        apply<Kind>(Lanes::load_some(gate + i, count - i),
                                    Lanes::load_some(up + i, count - i)),
                        count - i);
  }

  template <activation Kind>
  static void without_gate(float* x, std::size_t count) {
    std::size_t i = 0;
    for (; i + width <= count; i += width)
      Lanes::store(x + i, apply<Kind>(Lanes::load(x + i)));
    if (i < count)
      Lanes::store_some(x + i, apply<Kind>(Lanes::load_some(x + i, count - i)),
                        count - i);
  }

  template <activation Kind>
  static void run(float* gate, const float* up, std::size_t count) {
    if (up != nullptr)
      with_gate<Kind>(gate, up, count);
    else
      without_gate<Kind>(gate, count);
  }

  static void activate(activation kind, float* gate, const float* up,
                       std::size_t count) {
    switch (kind) {
    case activation::silu:
      return run<activation::silu>(gate, up, count);
    case activation::gelu:
      return run<activation::gelu>(gate, up, count);
    case activation::gelu_tanh:
      return run<activation::gelu_tanh>(gate, up, count);
    case activation::relu:
      return run<activation::relu>(gate, up, count);
    case activation::relu_squared:
      return run<activation::relu_squared>(gate, up, count);
    case activation::quick_gelu:
      return run<activation::quick_gelu>(gate, up, count);
    case activation::clamped_swiglu:
      return with_gate<activation::clamped_swiglu>(gate, up, count);
    }
  }
};

} // namespace model_server
