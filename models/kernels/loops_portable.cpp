// The loops in plain C++: the fallback for every processor.
#include "models/kernels/attention_loops.hpp"
#include "models/kernels/fused.hpp"
#include "models/kernels/loops.hpp"

#include <bit>
#include <cmath>
#include <cstdint>

namespace model_server {

namespace {

struct portable_lanes {
  struct vector {
    float at[16];
  };

  static constexpr std::size_t most_rows = 2;
  static constexpr std::size_t attention_rows = 2;
  static constexpr std::size_t rows_by_two = 0;
  static constexpr std::size_t outputs_of(std::size_t) {
    return 1;
  }

  template <class F>
  static vector make(F f) {
    vector result;
    for (std::size_t i = 0; i < 16; ++i)
      result.at[i] = f(i);
    return result;
  }
  static float as_float(float x) {
    return x;
  }
  static float as_float(std::int8_t x) {
    return x;
  }
  template <class Half>
  static float as_float(Half x) {
    return to_float(x);
  }

  static vector zero() {
    return spread(0.0f);
  }
  static vector spread(float x) {
    return make([=](std::size_t) { return x; });
  }
  template <class Number>
  static vector load(const Number* from) {
    return make([=](std::size_t i) { return as_float(from[i]); });
  }
  template <class Number>
  static vector load_some(const Number* from, std::size_t count) {
    return make(
        [=](std::size_t i) { return i < count ? as_float(from[i]) : 0.0f; });
  }
  static void store(float* to, const vector& x) {
    for (std::size_t i = 0; i < 16; ++i)
      to[i] = x.at[i];
  }
  static void store(float16* to, const vector& x) {
    for (std::size_t i = 0; i < 16; ++i)
      to[i] = to_float16(x.at[i]);
  }
  static void store(std::int8_t* to, const vector& x) {
    for (std::size_t i = 0; i < 16; ++i)
      to[i] = static_cast<std::int8_t>(std::nearbyint(x.at[i]));
  }
  static void store_some(float* to, const vector& x, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      to[i] = x.at[i];
  }
  static float fma(float a, float b, float c) {
#ifdef __FP_FAST_FMAF
    return std::fma(a, b, c);
#else
    return a * b + c; // rounded twice: a library call would be far slower
#endif
  }
  static vector fma(const vector& a, const vector& b, const vector& c) {
    return make([&](std::size_t i) { return fma(a.at[i], b.at[i], c.at[i]); });
  }
  static vector add(const vector& a, const vector& b) {
    return make([&](std::size_t i) { return a.at[i] + b.at[i]; });
  }
  static vector subtract(const vector& a, const vector& b) {
    return make([&](std::size_t i) { return a.at[i] - b.at[i]; });
  }
  static vector multiply(const vector& a, const vector& b) {
    return make([&](std::size_t i) { return a.at[i] * b.at[i]; });
  }
  static vector divide(const vector& a, const vector& b) {
    return make([&](std::size_t i) { return a.at[i] / b.at[i]; });
  }
  // The second one if either is NaN.
  static vector larger(const vector& a, const vector& b) {
    return make(
        [&](std::size_t i) { return a.at[i] > b.at[i] ? a.at[i] : b.at[i]; });
  }
  static vector negative_size(const vector& x) {
    return make([&](std::size_t i) { return -std::fabs(x.at[i]); });
  }
  static vector where_negative(const vector& x, const vector& yes,
                               const vector& no) {
    return make(
        [&](std::size_t i) { return x.at[i] < 0.0f ? yes.at[i] : no.at[i]; });
  }
  // 0 where `x` is below the limit; NaN where `x` is NaN.
  static vector zero_below(const vector& x, float limit, const vector& y) {
    return make([&](std::size_t i) {
      return x.at[i] < limit ? 0.0f : x.at[i] == x.at[i] ? y.at[i] : x.at[i];
    });
  }
  static vector power_of_two(const vector& x) {
    return make([&](std::size_t i) {
      return std::bit_cast<float>((std::bit_cast<std::uint32_t>(x.at[i]) << 23)
                                  + 0x3F800000u);
    });
  }
  static float sum(const vector& x) {
    float parts[8];
    for (std::size_t i = 0; i < 8; ++i)
      parts[i] = x.at[i] + x.at[i + 8];
    for (std::size_t step : {4u, 2u, 1u})
      for (std::size_t i = 0; i < step; ++i)
        parts[i] += parts[i + step];
    return parts[0];
  }
  static float largest(const vector& x) {
    auto result = x.at[0];
    for (auto value : x.at)
      result = value > result ? value : result;
    return result;
  }
};

// Rounds once as the other forms do.
struct fusing_lanes : portable_lanes {
  static vector fma(const vector& a, const vector& b, const vector& c) {
    return make([&](std::size_t i) { return fused(a.at[i], b.at[i], c.at[i]); });
  }
};

} // namespace

extern const attention_kernels portable_attention;
constinit const attention_kernels portable_attention =
    attention_loops<fusing_lanes>::table("portable");

extern const packed_kernels portable_packed;
extern const kernel_set portable_kernels;
constinit const kernel_set portable_kernels = [] {
  auto result =
      loops<fusing_lanes>::table("portable", portable_attention, portable_packed);
  result.multiply = loops<portable_lanes>::multiply; // far faster
  return result;
}();

} // namespace model_server
