// The kernels' loops, written once for any vector of 16 floats.
#pragma once

#include "models/kernels/kernel_set.hpp"
#include "models/weights/half_floats.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

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

  // x / (1 + e^-x), with the exponential of a negative number on either side.
  static inline vector silu(vector x) {
    auto power = exp_of_negative(Lanes::negative_size(x));
    auto numerator = Lanes::multiply(
        x, Lanes::where_negative(x, power, Lanes::spread(1.0f)));
    return Lanes::divide(numerator, Lanes::add(power, Lanes::spread(1.0f)));
  }

  static void swiglu(float* gate, const float* up, std::size_t count) {
    std::size_t i = 0;
    for (; i + width <= count; i += width)
      Lanes::store(gate + i, Lanes::multiply(silu(Lanes::load(gate + i)),
                                             Lanes::load(up + i)));
    if (i < count)
      Lanes::store_some(
          gate + i,
          Lanes::multiply(silu(Lanes::load_some(gate + i, count - i)),
                          Lanes::load_some(up + i, count - i)),
          count - i);
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

  // --- attention -------------------------------------------------------------

  // Scores of `Rows` queries with the keys of `Blocks` blocks: for each token
  // one sum over the head, in order.
  template <std::size_t Rows, std::size_t Blocks>
  static inline void score_blocks(const attention_view& cache,
                                  const float* queries, std::size_t block,
                                  float* scores, std::size_t stride) {
    vector sums[Blocks][Rows];
    MODEL_SERVER_UNROLL
    for (std::size_t b = 0; b < Blocks; ++b)
      MODEL_SERVER_UNROLL
    for (std::size_t r = 0; r < Rows; ++r)
      sums[b][r] = Lanes::zero();
    for (std::size_t i = 0; i < cache.head; ++i)
      MODEL_SERVER_UNROLL
    for (std::size_t b = 0; b < Blocks; ++b) {
      auto key = Lanes::load(cache.blocks[block + b] + cache.keys + i * width);
      MODEL_SERVER_UNROLL
      for (std::size_t r = 0; r < Rows; ++r)
        sums[b][r] = Lanes::fma(
            key, Lanes::spread(queries[r * cache.width + i]), sums[b][r]);
    }
    MODEL_SERVER_UNROLL
    for (std::size_t b = 0; b < Blocks; ++b)
      MODEL_SERVER_UNROLL
    for (std::size_t r = 0; r < Rows; ++r)
      Lanes::store(scores + r * stride + (block + b) * width, sums[b][r]);
  }

  // Replaces the scores of the first `limit` tokens by their softmax times a
  // number, and those up to `stride` by 0. Returns 1 / that number.
  static inline float weigh(float* scores, std::size_t limit,
                            std::size_t stride) {
    auto most = Lanes::spread(-std::numeric_limits<float>::infinity());
    std::size_t t = 0;
    for (; t + width <= limit; t += width)
      most = Lanes::larger(Lanes::load(scores + t), most);
    auto best = Lanes::largest(most);
    for (std::size_t i = t; i < limit; ++i)
      best = best < scores[i] ? scores[i] : best;
    // What lies behind the limit gets no weight.
    for (std::size_t i = limit; i < stride; ++i)
      scores[i] = -std::numeric_limits<float>::infinity();
    auto shift = Lanes::spread(best);
    auto sums = Lanes::zero();
    for (t = 0; t < stride; t += width) {
      auto weight =
          exp_of_negative(Lanes::subtract(Lanes::load(scores + t), shift));
      sums = Lanes::add(sums, weight);
      Lanes::store(scores + t, weight);
    }
    return 1.0f / Lanes::sum(sums);
  }

  // Adds up the values of the first `tokens` tokens, `Parts` vectors of each
  // from number `begin` on, token after token.
  template <std::size_t Rows, std::size_t Parts>
  static inline void mix_values(const attention_view& cache,
                                const float* weights, std::size_t stride,
                                std::size_t tokens, const float* factors,
                                std::size_t begin, float* out) {
    vector sums[Rows][Parts];
    MODEL_SERVER_UNROLL
    for (std::size_t r = 0; r < Rows; ++r)
      MODEL_SERVER_UNROLL
    for (std::size_t p = 0; p < Parts; ++p)
      sums[r][p] = Lanes::zero();
    for (std::size_t t = 0; t < tokens; t += width) {
      auto values = cache.blocks[t / width] + cache.values + begin;
      auto count = std::min(width, tokens - t);
      for (std::size_t i = 0; i < count; ++i) {
        vector value[Parts];
        MODEL_SERVER_UNROLL
        for (std::size_t p = 0; p < Parts; ++p)
          value[p] = Lanes::load(values + i * cache.width + p * width);
        MODEL_SERVER_UNROLL
        for (std::size_t r = 0; r < Rows; ++r) {
          auto weight = Lanes::spread(weights[r * stride + t + i]);
          MODEL_SERVER_UNROLL
          for (std::size_t p = 0; p < Parts; ++p)
            sums[r][p] = Lanes::fma(value[p], weight, sums[r][p]);
        }
      }
    }
    MODEL_SERVER_UNROLL
    for (std::size_t r = 0; r < Rows; ++r)
      MODEL_SERVER_UNROLL
    for (std::size_t p = 0; p < Parts; ++p)
      Lanes::store(out + r * cache.width + begin + p * width,
                   Lanes::multiply(sums[r][p], Lanes::spread(factors[r])));
  }

  template <std::size_t Rows>
  static void attend_rows(const attention_view& cache, const float* queries,
                          const std::size_t* limits, float* scores,
                          float* out) {
    auto tokens = *std::max_element(limits, limits + Rows);
    auto blocks = (tokens + width - 1) / width;
    auto stride = blocks * width;
    std::size_t block = 0;
    constexpr std::size_t together = Rows <= Lanes::most_rows / 2 ? 2 : 1;
    for (; block + together <= blocks; block += together)
      score_blocks<Rows, together>(cache, queries, block, scores, stride);
    if (block < blocks)
      score_blocks<Rows, 1>(cache, queries, block, scores, stride);
    float factors[Rows];
    for (std::size_t r = 0; r < Rows; ++r)
      factors[r] = weigh(scores + r * stride, limits[r], stride);
    constexpr std::size_t parts = Lanes::value_parts;
    std::size_t begin = 0;
    for (; begin + parts * width <= cache.width; begin += parts * width)
      mix_values<Rows, parts>(cache, scores, stride, tokens, factors, begin,
                              out);
    for (; begin < cache.width; begin += width)
      mix_values<Rows, 1>(cache, scores, stride, tokens, factors, begin, out);
  }

  template <std::size_t Rows>
  static void attend_some(const attention_view& cache, const float* queries,
                          const std::size_t* limits, std::size_t rows,
                          float* scores, float* out) {
    if constexpr (Rows > 0) {
      if (rows == Rows)
        attend_rows<Rows>(cache, queries, limits, scores, out);
      else
        attend_some<Rows - 1>(cache, queries, limits, rows, scores, out);
    }
  }

  static void attend(const attention_view& cache, const float* queries,
                     const std::size_t* limits, std::size_t rows, float* scores,
                     float* out) {
    attend_some<max_attend_rows>(cache, queries, limits, rows, scores, out);
  }

  static constexpr kernel_set table(const char* name,
                                    const packed_kernels& packed) {
    return {name, multiply, rms_norm, swiglu, rotate, attend, &packed};
  }
};

} // namespace model_server

#undef MODEL_SERVER_UNROLL
