// The loops for processors with AVX2 and FMA.
#include "models/kernels/attention.hpp"
#include "models/kernels/kernel_set.hpp"
#include "models/kernels/target.hpp"
#include "models/weights/half_floats.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#if defined(__x86_64__)

#include <immintrin.h>

MODEL_SERVER_TARGET_BEGIN("avx2,fma,f16c")

#include "models/kernels/attention_loops.hpp"
#include "models/kernels/loops.hpp"

namespace model_server {

namespace {

struct avx2_lanes {
  struct vector {
    __m256 low, high;
  };

  // 16 registers, two for each vector.
  static constexpr std::size_t most_rows = 3;
  static constexpr std::size_t attention_rows = 6;
  static constexpr std::size_t rows_by_two = 3;
  static constexpr std::size_t outputs_of(std::size_t rows) {
    constexpr std::size_t outputs[] = {0, 4, 3, 2};
    return outputs[rows];
  }

  static vector zero() {
    return spread(0.0f);
  }
  static vector spread(float x) {
    return {_mm256_set1_ps(x), _mm256_set1_ps(x)};
  }
  static vector load(const float* from) {
    return {_mm256_loadu_ps(from), _mm256_loadu_ps(from + 8)};
  }
  static vector load(const bfloat16* from) {
    return {widen(eight(from)), widen(eight(from + 8))};
  }
  static vector load(const float16* from) {
    return {_mm256_cvtph_ps(eight(from)), _mm256_cvtph_ps(eight(from + 8))};
  }
  static vector load(const std::int8_t* from) {
    return {of_bytes(from), of_bytes(from + 8)};
  }
  static __m256 of_bytes(const std::int8_t* from) {
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(
        _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))));
  }
  template <class Number>
  static vector load_some(const Number* from, std::size_t count) {
    Number whole[16];
    std::memset(whole, 0, sizeof(whole));
    std::memcpy(whole, from, count * sizeof(Number));
    return load(whole);
  }
  template <class Half>
  static __m128i eight(const Half* from) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  }
  static __m256 widen(__m128i x) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(x), 16));
  }
  static void store(float* to, vector x) {
    _mm256_storeu_ps(to, x.low);
    _mm256_storeu_ps(to + 8, x.high);
  }
  static void store(float16* to, vector x) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), narrow(x.low));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 8), narrow(x.high));
  }
  static void store(std::int8_t* to, vector x) {
    auto low = words(x.low);
    auto high = words(x.high);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                     _mm_packs_epi16(low, high));
  }
  // Rounded to 16 bits.
  static __m128i words(__m256 x) {
    auto rounded = _mm256_cvtps_epi32(x);
    return _mm_packs_epi32(_mm256_castsi256_si128(rounded),
                           _mm256_extracti128_si256(rounded, 1));
  }
  static __m128i narrow(__m256 x) {
    return _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT);
  }
  static void store_some(float* to, vector x, std::size_t count) {
    float whole[16];
    store(whole, x);
    std::memcpy(to, whole, count * sizeof(float));
  }
  static vector fma(vector a, vector b, vector c) {
    return {_mm256_fmadd_ps(a.low, b.low, c.low),
            _mm256_fmadd_ps(a.high, b.high, c.high)};
  }
  static vector add(vector a, vector b) {
    return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)};
  }
  static vector subtract(vector a, vector b) {
    return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)};
  }
  static vector multiply(vector a, vector b) {
    return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)};
  }
  static vector divide(vector a, vector b) {
    return {_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)};
  }
  static vector larger(vector a, vector b) {
    return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)};
  }
  static vector negative_size(vector x) {
    auto sign = _mm256_set1_ps(-0.0f);
    return {_mm256_or_ps(x.low, sign), _mm256_or_ps(x.high, sign)};
  }
  static vector where_negative(vector x, vector yes, vector no) {
    auto zeros = _mm256_setzero_ps();
    return {_mm256_blendv_ps(no.low, yes.low,
                             _mm256_cmp_ps(x.low, zeros, _CMP_LT_OQ)),
            _mm256_blendv_ps(no.high, yes.high,
                             _mm256_cmp_ps(x.high, zeros, _CMP_LT_OQ))};
  }
  static __m256 zero_below(__m256 x, float limit, __m256 y) {
    y = _mm256_blendv_ps(y, x, _mm256_cmp_ps(x, x, _CMP_UNORD_Q));
    return _mm256_and_ps(y,
                         _mm256_cmp_ps(x, _mm256_set1_ps(limit), _CMP_NLT_UQ));
  }
  static vector zero_below(vector x, float limit, vector y) {
    return {zero_below(x.low, limit, y.low), zero_below(x.high, limit, y.high)};
  }
  static __m256 power_of_two(__m256 x) {
    return _mm256_castsi256_ps(
        _mm256_add_epi32(_mm256_slli_epi32(_mm256_castps_si256(x), 23),
                         _mm256_set1_epi32(0x3F800000)));
  }
  static vector power_of_two(vector x) {
    return {power_of_two(x.low), power_of_two(x.high)};
  }
  static float sum(vector x) {
    auto eight = _mm256_add_ps(x.low, x.high);
    auto four = _mm_add_ps(_mm256_castps256_ps128(eight),
                           _mm256_extractf128_ps(eight, 1));
    auto two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
  static float largest(vector x) {
    float whole[16];
    store(whole, x);
    auto result = whole[0];
    for (auto value : whole)
      result = value > result ? value : result;
    return result;
  }
};

} // namespace

extern const attention_kernels avx2_attention;
constinit const attention_kernels avx2_attention =
    attention_loops<avx2_lanes>::table("avx2");

extern const packed_kernels avx2_packed;
extern const kernel_set avx2_kernels;
constinit const kernel_set avx2_kernels =
    loops<avx2_lanes>::table("avx2", avx2_attention, avx2_packed);

} // namespace model_server

MODEL_SERVER_TARGET_END

#endif
