// The kernels' loops, written once for any vector of 16 floats.
#pragma once

#include "models/kernels/activation_loops.hpp"
#include "models/kernels/kernel_set.hpp"
#include "models/weights/half_floats.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

// Included by loops_*.cpp between the lines that switch a processor's
// instructions on. Everything here depends on `Lanes`, which is local to such a
// file, so no other file gets to run these instructions.

#define MODEL_SERVER_UNROLL _Pragma("GCC unroll 16")

namespace model_server {

/// `Lanes` gives the type `vector` of 16 floats and the operations on it.
template <class Lanes>
struct loops {
  using vector = typename Lanes::vector;
  static constexpr std::size_t width = 16;

  // A multiple of what the tiles of most numbers of rows take.
  static constexpr std::size_t few_outputs = 24;

  // --- products --------------------------------------------------------------

  // Adds to `sums` the products of one vector of each row, or of its first
  // `count` numbers.
  template <bool IsWhole, class Number, std::size_t Outputs, std::size_t Rows>
  static inline void accumulate(const Number* weight, const float* x,
                                std::size_t columns, std::size_t count,
                                vector (&sums)[Rows][Outputs]) {
    // Fewer registers are needed if the shorter side is kept.
    if constexpr (Outputs <= Rows) {
      vector w[Outputs];
      MODEL_SERVER_UNROLL
      for (std::size_t o = 0; o < Outputs; ++o)
        w[o] = load<IsWhole>(weight + o * columns, count);
      MODEL_SERVER_UNROLL
      for (std::size_t r = 0; r < Rows; ++r) {
        auto value = load<IsWhole>(x + r * columns, count);
        MODEL_SERVER_UNROLL
        for (std::size_t o = 0; o < Outputs; ++o)
          sums[r][o] = Lanes::fma(w[o], value, sums[r][o]);
      }
    } else {
      vector values[Rows];
      MODEL_SERVER_UNROLL
      for (std::size_t r = 0; r < Rows; ++r)
        values[r] = load<IsWhole>(x + r * columns, count);
      MODEL_SERVER_UNROLL
      for (std::size_t o = 0; o < Outputs; ++o) {
        auto w = load<IsWhole>(weight + o * columns, count);
        MODEL_SERVER_UNROLL
        for (std::size_t r = 0; r < Rows; ++r)
          sums[r][o] = Lanes::fma(w, values[r], sums[r][o]);
      }
    }
  }

  template <bool IsWhole, class Number>
  static inline vector load(const Number* from, std::size_t count) {
    if constexpr (IsWhole)
      return Lanes::load(from);
    else
      return Lanes::load_some(from, count);
  }

  // `Rows` rows of x with `Outputs` rows of a weight. Each result is a sum of
  // its own: 16 partial sums over every 16th column, then a tree.
  template <class Number, std::size_t Outputs, std::size_t Rows>
  static inline void multiply_tile(const product& task, const Number* weight,
                                   std::size_t output, std::size_t row) {
    auto columns = task.weight.columns;
    auto x = task.x + row * columns;
    weight += output * columns;
    vector sums[Rows][Outputs];
    MODEL_SERVER_UNROLL
    for (std::size_t r = 0; r < Rows; ++r)
      MODEL_SERVER_UNROLL
    for (std::size_t o = 0; o < Outputs; ++o)
      sums[r][o] = Lanes::zero();
    std::size_t k = 0;
    for (; k + width <= columns; k += width)
      accumulate<true, Number, Outputs, Rows>(weight + k, x + k, columns, width,
                                              sums);
    if (k < columns)
      accumulate<false, Number, Outputs, Rows>(weight + k, x + k, columns,
                                               columns - k, sums);
    MODEL_SERVER_UNROLL
    for (std::size_t r = 0; r < Rows; ++r) {
      auto y = task.y + (row + r) * task.y_stride + output;
      MODEL_SERVER_UNROLL
      for (std::size_t o = 0; o < Outputs; ++o) {
        auto result = Lanes::sum(sums[r][o]);
        if (task.bias != nullptr)
          result += task.bias[output + o];
        y[o] = task.adds ? y[o] + result : result;
      }
    }
  }

  template <class Number, std::size_t Rows>
  static void multiply_rows(const product& task, std::size_t begin,
                            std::size_t end, std::size_t row) {
    auto weight = static_cast<const Number*>(task.weight.data);
    constexpr auto outputs = Lanes::outputs_of(Rows);
    auto output = begin;
    for (; output + outputs <= end; output += outputs)
      multiply_tile<Number, outputs, Rows>(task, weight, output, row);
    for (; output < end; ++output)
      multiply_tile<Number, 1, Rows>(task, weight, output, row);
  }

  // Calls multiply_rows for a number of rows that is known only now.
  template <class Number, std::size_t Rows>
  static void multiply_some(const product& task, std::size_t begin,
                            std::size_t end, std::size_t row,
                            std::size_t rows) {
    if constexpr (Rows > 0) {
      if (rows == Rows)
        multiply_rows<Number, Rows>(task, begin, end, row);
      else
        multiply_some<Number, Rows - 1>(task, begin, end, row, rows);
    }
  }

  template <class Number>
  static void multiply_as(const product& task, std::size_t begin,
                          std::size_t end) {
    // With few rows a part of the weight is on its way from memory while it is
    // used, so it passes once, in small pieces. Many rows pass by a larger part
    // that stays in the cache.
    auto is_few = task.rows <= 2 * Lanes::most_rows;
    auto step = is_few ? few_outputs : end - begin;
    for (; begin < end; begin += step) {
      auto stop = std::min(end, begin + step);
      for (std::size_t row = 0; row < task.rows;) {
        // Groups of about the same size.
        auto left = task.rows - row;
        auto groups = (left + Lanes::most_rows - 1) / Lanes::most_rows;
        auto rows = (left + groups - 1) / groups;
        multiply_some<Number, Lanes::most_rows>(task, begin, stop, row, rows);
        row += rows;
      }
    }
  }

  static void multiply(const product& task, std::size_t begin,
                       std::size_t end) {
    switch (task.weight.format) {
    case number_format::bf16:
      return multiply_as<bfloat16>(task, begin, end);
    case number_format::f16:
      return multiply_as<float16>(task, begin, end);
    default:
      return multiply_as<float>(task, begin, end);
    }
  }

  // --- row by row ------------------------------------------------------------

  static void rms_norm(const float* x, const float* weight, float epsilon,
                       float* y, std::size_t count) {
    auto squares = Lanes::zero();
    std::size_t i = 0;
    for (; i + width <= count; i += width) {
      auto value = Lanes::load(x + i);
      squares = Lanes::fma(value, value, squares);
    }
    if (i < count) {
      auto value = Lanes::load_some(x + i, count - i);
      squares = Lanes::fma(value, value, squares);
    }
    auto mean = Lanes::sum(squares) / static_cast<float>(count);
    auto inverse = Lanes::spread(1.0f / std::sqrt(mean + epsilon));
    for (i = 0; i + width <= count; i += width)
      Lanes::store(y + i,
                   Lanes::multiply(Lanes::multiply(Lanes::load(x + i), inverse),
                                   Lanes::load(weight + i)));
    if (i < count)
      Lanes::store_some(
          y + i,
          Lanes::multiply(
              Lanes::multiply(Lanes::load_some(x + i, count - i), inverse),
              Lanes::load_some(weight + i, count - i)),
          count - i);
  }

  // x less the mean, or the first `count` numbers of it and zeros.
  template <bool IsWhole>
  static inline vector center(const float* x, const float (&means)[width],
                              std::size_t count) {
    return Lanes::subtract(load<IsWhole>(x, count),
                           load<IsWhole>(means, count));
  }

  template <bool IsWhole>
  static inline void scale(const float* x, const float (&means)[width],
                           vector inverse, const float* weight,
                           const float* bias, float* y, std::size_t count) {
    auto unit = Lanes::multiply(center<IsWhole>(x, means, count), inverse);
    auto shift = bias == nullptr ? Lanes::zero() : load<IsWhole>(bias, count);
    Lanes::store_some(y, Lanes::fma(unit, load<IsWhole>(weight, count), shift),
                      count);
  }

  static void layer_norm(const float* x, const float* weight, const float* bias,
                         float epsilon, float* y, std::size_t count) {
    auto whole = count / width * width;
    auto rest = count - whole;
    auto sums = Lanes::zero();
    for (std::size_t i = 0; i < whole; i += width)
      sums = Lanes::add(sums, Lanes::load(x + i));
    if (rest > 0)
      sums = Lanes::add(sums, Lanes::load_some(x + whole, rest));
    float means[width];
    std::fill_n(means, width, Lanes::sum(sums) / static_cast<float>(count));
    auto squares = Lanes::zero();
    for (std::size_t i = 0; i < whole; i += width) {
      auto difference = center<true>(x + i, means, width);
      squares = Lanes::fma(difference, difference, squares);
    }
    if (rest > 0) {
      auto difference = center<false>(x + whole, means, rest);
      squares = Lanes::fma(difference, difference, squares);
    }
    auto variance = Lanes::sum(squares) / static_cast<float>(count);
    auto inverse = Lanes::spread(1.0f / std::sqrt(variance + epsilon));
    auto shift = [bias](std::size_t i) {
      return bias == nullptr ? nullptr : bias + i;
    };
    for (std::size_t i = 0; i < whole; i += width)
      scale<true>(x + i, means, inverse, weight + i, shift(i), y + i, width);
    if (rest > 0)
      scale<false>(x + whole, means, inverse, weight + whole, shift(whole),
                   y + whole, rest);
  }

  // Turns 16 numbers of each half, or the first `count` of them.
  template <bool IsWhole>
  static inline void rotate_some(const float* x, const float* cosines,
                                 const float* sines, vector scale, float* y,
                                 std::size_t half, std::size_t count) {
    auto first = load<IsWhole>(x, count);
    auto second = load<IsWhole>(x + half, count);
    auto cosine = load<IsWhole>(cosines, count);
    auto sine = load<IsWhole>(sines, count);
    auto a = Lanes::fma(
        first, cosine,
        Lanes::subtract(Lanes::zero(), Lanes::multiply(second, sine)));
    auto b = Lanes::fma(second, cosine, Lanes::multiply(first, sine));
    Lanes::store_some(y, Lanes::multiply(a, scale), count);
    Lanes::store_some(y + half, Lanes::multiply(b, scale), count);
  }

  static void rotate(const float* x, const float* cosines, const float* sines,
                     float scale, float* y, std::size_t half) {
    auto factor = Lanes::spread(scale);
    std::size_t i = 0;
    for (; i + width <= half; i += width)
      rotate_some<true>(x + i, cosines + i, sines + i, factor, y + i, half,
                        width);
    if (i < half)
      rotate_some<false>(x + i, cosines + i, sines + i, factor, y + i, half,
                         half - i);
  }

  static constexpr kernel_set table(const char* name,
                                    const attention_kernels& attention,
                                    const packed_kernels& packed) {
    return {name,
            multiply,
            rms_norm,
            layer_norm,
            activation_loops<Lanes>::activate,
            rotate,
            &attention,
            &packed};
  }
};

} // namespace model_server

#undef MODEL_SERVER_UNROLL
