// Vectors of 16 floats or of 64 bytes as two registers of AVX2.
#pragma once

#include "models/kernels/packed_best_scale.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

// Included by packed_avx2.cpp.

namespace model_server {

namespace {

struct avx2_packed_vectors : packed_best_scale {
  struct vector {
    __m256 low, high;
  };
  struct integers {
    __m256i low, high;
  };
  using shorts = integers; // 32 of 16 bits

  static vector zero() {
    return {_mm256_setzero_ps(), _mm256_setzero_ps()};
  }
  static vector spread(const std::byte* from) {
    auto x = _mm256_set1_ps(word_at<float>(from));
    return {x, x};
  }
  static vector load(const float* from) {
    return {_mm256_loadu_ps(from), _mm256_loadu_ps(from + 8)};
  }
  static vector load_some(const float* from, std::size_t count) {
    float whole[16] = {};
    std::memcpy(whole, from, count * sizeof(float));
    return load(whole);
  }
  static vector load_halves(const std::byte* from) {
    auto halves = reinterpret_cast<const __m128i*>(from);
    return {_mm256_cvtph_ps(_mm_load_si128(halves)),
            _mm256_cvtph_ps(_mm_load_si128(halves + 1))};
  }
  static __m256 load_eight_bytes(const std::byte* from) {
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(
        _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from))));
  }
  static vector load_bytes(const std::byte* from) {
    return {load_eight_bytes(from), load_eight_bytes(from + 8)};
  }
  static void store(float* to, vector x) {
    _mm256_storeu_ps(to, x.low);
    _mm256_storeu_ps(to + 8, x.high);
  }
  static void store_some(float* to, vector x, std::size_t count) {
    float whole[16];
    store(whole, x);
    std::memcpy(to, whole, count * sizeof(float));
  }
  static vector add(vector a, vector b) {
    return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)};
  }
  static vector multiply(vector a, vector b) {
    return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)};
  }
  static vector fma(vector a, vector b, vector c) {
    return {_mm256_fmadd_ps(a.low, b.low, c.low),
            _mm256_fmadd_ps(a.high, b.high, c.high)};
  }
  static void fetch(const std::byte* at) {
    _mm_prefetch(reinterpret_cast<const char*>(at), _MM_HINT_T0);
  }
  static void store_line(std::byte* to, integers x) {
    _mm256_store_si256(reinterpret_cast<__m256i*>(to), x.low);
    _mm256_store_si256(reinterpret_cast<__m256i*>(to) + 1, x.high);
  }

  static __m256i size_bits(__m256 x) {
    return _mm256_and_si256(_mm256_castps_si256(x),
                            _mm256_set1_epi32(0x7FFFFFFF));
  }
  static float largest_size(vector a, vector b) {
    auto eight =
        _mm256_max_epi32(_mm256_max_epi32(size_bits(a.low), size_bits(a.high)),
                         _mm256_max_epi32(size_bits(b.low), size_bits(b.high)));
    auto four = _mm_max_epi32(_mm256_castsi256_si128(eight),
                              _mm256_extracti128_si256(eight, 1));
    auto two = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4E));
    auto one = _mm_max_epi32(two, _mm_shuffle_epi32(two, 0xB1));
    return _mm_cvtss_f32(_mm_castsi128_ps(one));
  }
  static __m256i to_halves(vector x, __m256 factor) {
    auto low = _mm256_cvtps_epi32(_mm256_mul_ps(x.low, factor));
    auto high = _mm256_cvtps_epi32(_mm256_mul_ps(x.high, factor));
    return _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xD8);
  }
  static shorts to_shorts(vector first, vector last, float factor) {
    auto all = _mm256_set1_ps(factor);
    return {to_halves(first, all), to_halves(last, all)};
  }
  static shorts rounded(shorts x, std::int16_t factor) {
    auto all = _mm256_set1_epi16(factor);
    return {_mm256_mulhrs_epi16(x.low, all), _mm256_mulhrs_epi16(x.high, all)};
  }
  static sums products(shorts a, shorts b) {
    return _mm256_add_epi32(_mm256_madd_epi16(a.low, b.low),
                            _mm256_madd_epi16(a.high, b.high));
  }
  static half_sums store_bytes(shorts x, std::int8_t* bytes) {
    auto all =
        _mm256_permute4x64_epi64(_mm256_packs_epi16(x.low, x.high), 0xD8);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(bytes), all);
    return half_sums_of(widen_pairs(x.low), widen_pairs(x.high));
  }

  template <class Number>
  static Number word_at(const void* from) {
    Number result;
    std::memcpy(&result, from, sizeof(result));
    return result;
  }
  static integers line_at(const std::byte* from) {
    auto halves = reinterpret_cast<const __m256i*>(from);
    return {_mm256_load_si256(halves), _mm256_load_si256(halves + 1)};
  }
  static __m256i widen_pairs(__m256i x) {
    return _mm256_madd_epi16(x, _mm256_set1_epi16(1));
  }
};

} // namespace

} // namespace model_server
