// Vectors of 16 floats or of 64 bytes as registers of AVX-512.
#pragma once

#include "models/kernels/packed_best_scale.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

// Included by packed_avx512.cpp.

namespace model_server {

namespace {

struct avx512_packed_vectors : packed_best_scale {
  using vector = __m512;
  using shorts = __m512i; // 32 of 16 bits

  static __mmask16 first(std::size_t count) {
    return static_cast<__mmask16>((1u << count) - 1u);
  }
  static vector zero() {
    return _mm512_setzero_ps();
  }
  static vector spread(const std::byte* from) {
    return _mm512_set1_ps(word_at<float>(from));
  }
  static vector load(const float* from) {
    return _mm512_loadu_ps(from);
  }
  static vector load_some(const float* from, std::size_t count) {
    return _mm512_maskz_loadu_ps(first(count), from);
  }
  static vector load_halves(const std::byte* from) {
    return _mm512_cvtph_ps(
        _mm256_load_si256(reinterpret_cast<const __m256i*>(from)));
  }
  static vector load_bytes(const std::byte* from) {
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(
        _mm_load_si128(reinterpret_cast<const __m128i*>(from))));
  }
  static void store(float* to, vector x) {
    _mm512_storeu_ps(to, x);
  }
  static void store_some(float* to, vector x, std::size_t count) {
    _mm512_mask_storeu_ps(to, first(count), x);
  }
  static vector add(vector a, vector b) {
    return _mm512_add_ps(a, b);
  }
  static vector multiply(vector a, vector b) {
    return _mm512_mul_ps(a, b);
  }
  static vector fma(vector a, vector b, vector c) {
    return _mm512_fmadd_ps(a, b, c);
  }
  static void fetch(const std::byte* at) {
    _mm_prefetch(reinterpret_cast<const char*>(at), _MM_HINT_T0);
  }
  static void store_line(std::byte* to, __m512i x) {
    _mm512_store_si512(to, x);
  }

  static float largest_size(vector a, vector b) {
    auto size = _mm512_set1_epi32(0x7FFFFFFF);
    auto bits =
        _mm512_max_epi32(_mm512_and_si512(_mm512_castps_si512(a), size),
                         _mm512_and_si512(_mm512_castps_si512(b), size));
    auto largest = _mm512_reduce_max_epi32(bits);
    return word_at<float>(&largest);
  }
  static __m256i to_halves(vector x, vector factor) {
    return _mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(_mm512_mul_ps(x, factor)));
  }
  static shorts to_shorts(vector first, vector last, float factor) {
    auto all = _mm512_set1_ps(factor);
    return _mm512_inserti64x4(_mm512_castsi256_si512(to_halves(first, all)),
                              to_halves(last, all), 1);
  }
  static shorts rounded(shorts x, std::int16_t factor) {
    return _mm512_mulhrs_epi16(x, _mm512_set1_epi16(factor));
  }
  static sums products(shorts a, shorts b) {
    auto pairs = _mm512_madd_epi16(a, b);
    return _mm256_add_epi32(_mm512_castsi512_si256(pairs),
                            _mm512_extracti64x4_epi64(pairs, 1));
  }
  static half_sums store_bytes(shorts x, std::int8_t* bytes) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(bytes),
                        _mm512_cvtepi16_epi8(x));
    auto pairs = _mm512_madd_epi16(x, _mm512_set1_epi16(1));
    return half_sums_of(_mm512_castsi512_si256(pairs),
                        _mm512_extracti64x4_epi64(pairs, 1));
  }

  template <class Number>
  static Number word_at(const void* from) {
    Number result;
    std::memcpy(&result, from, sizeof(result));
    return result;
  }
  static __m512i line_at(const std::byte* from) {
    return _mm512_load_si512(from);
  }
};

} // namespace

} // namespace model_server
