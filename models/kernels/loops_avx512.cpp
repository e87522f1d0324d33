// The loops for processors with AVX-512.
#include "models/kernels/attention.hpp"
#include "models/kernels/kernel_set.hpp"
#include "models/kernels/target.hpp"
#include "models/weights/half_floats.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#if defined(__x86_64__)

#include <immintrin.h>

// GCC 12 warns of its own header (bug 105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

MODEL_SERVER_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")

#include "models/kernels/attention_loops.hpp"
#include "models/kernels/loops.hpp"

namespace model_server {

namespace {

struct avx512_lanes {
  using vector = __m512;

  // 32 registers.
  static constexpr std::size_t most_rows = 6;
  static constexpr std::size_t attention_rows = 12;
  static constexpr std::size_t rows_by_two = 12;
  static constexpr std::size_t outputs_of(std::size_t rows) {
    constexpr std::size_t outputs[] = {0, 8, 8, 6, 6, 4, 4};
    return outputs[rows];
  }

  static __mmask16 first(std::size_t count) {
    return static_cast<__mmask16>((1u << count) - 1u);
  }

  static vector zero() {
    return _mm512_setzero_ps();
  }
  static vector spread(float x) {
    return _mm512_set1_ps(x);
  }
  static vector load(const float* from) {
    return _mm512_loadu_ps(from);
  }
  static vector load(const bfloat16* from) {
    return widen(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  }
  static vector load(const float16* from) {
    return _mm512_cvtph_ps(
        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  }
  static vector load(const std::int8_t* from) {
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(from))));
  }
  static vector load_some(const float* from, std::size_t count) {
    return _mm512_maskz_loadu_ps(first(count), from);
  }
  static vector load_some(const bfloat16* from, std::size_t count) {
    return widen(_mm256_maskz_loadu_epi16(first(count), from));
  }
  static vector load_some(const float16* from, std::size_t count) {
    return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first(count), from));
  }
  static vector widen(__m256i x) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16));
  }
  static void store(float* to, vector x) {
    _mm512_storeu_ps(to, x);
  }
  static void store(float16* to, vector x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                        _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
  }
  static void store(std::int8_t* to, vector x) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                     _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(x)));
  }
  static void store_some(float* to, vector x, std::size_t count) {
    _mm512_mask_storeu_ps(to, first(count), x);
  }
  static vector fma(vector a, vector b, vector c) {
    return _mm512_fmadd_ps(a, b, c);
  }
  static vector add(vector a, vector b) {
    return _mm512_add_ps(a, b);
  }
  static vector subtract(vector a, vector b) {
    return _mm512_sub_ps(a, b);
  }
  static vector multiply(vector a, vector b) {
    return _mm512_mul_ps(a, b);
  }
  static vector divide(vector a, vector b) {
    return _mm512_div_ps(a, b);
  }
  static vector larger(vector a, vector b) {
    return _mm512_max_ps(a, b);
  }
  static vector negative_size(vector x) {
    return _mm512_or_ps(x, _mm512_set1_ps(-0.0f));
  }
  static vector where_negative(vector x, vector yes, vector no) {
    return _mm512_mask_blend_ps(
        _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_LT_OQ), no, yes);
  }
  static vector zero_below(vector x, float limit, vector y) {
    y = _mm512_mask_mov_ps(y, _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), x);
    return _mm512_maskz_mov_ps(
        _mm512_cmp_ps_mask(x, _mm512_set1_ps(limit), _CMP_NLT_UQ), y);
  }
  static vector power_of_two(vector x) {
    return _mm512_castsi512_ps(
        _mm512_add_epi32(_mm512_slli_epi32(_mm512_castps_si512(x), 23),
                         _mm512_set1_epi32(0x3F800000)));
  }
  static float sum(vector x) {
    auto eight =
        _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
    auto four = _mm_add_ps(_mm256_castps256_ps128(eight),
                           _mm256_extractf128_ps(eight, 1));
    auto two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
  static float largest(vector x) {
    auto eight =
        _mm256_max_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
    auto four = _mm_max_ps(_mm256_castps256_ps128(eight),
                           _mm256_extractf128_ps(eight, 1));
    auto two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
  }
};

} // namespace

extern const attention_kernels avx512_attention;
constinit const attention_kernels avx512_attention =
    attention_loops<avx512_lanes>::table("avx512");

extern const packed_kernels avx512_packed;
extern const kernel_set avx512_kernels;
constinit const kernel_set avx512_kernels =
    loops<avx512_lanes>::table("avx512", avx512_attention, avx512_packed);

// For processors without the dot products of VNNI.
extern const packed_kernels avx2_packed;
extern const kernel_set avx512_kernels_without_vnni;
constinit const kernel_set avx512_kernels_without_vnni =
    loops<avx512_lanes>::table("avx512", avx512_attention, avx2_packed);

} // namespace model_server

MODEL_SERVER_TARGET_END

#endif
