// Vectors of 16 floats or of 64 bytes as registers of AVX-512.
#pragma once

#include "models/kernels/packed_input_loops.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

// Included by packed_avx512.cpp.

namespace model_server {

namespace {

struct avx512_packed_vectors {
  using vector = __m512;

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
  static half_sums round(vector a, vector b, float factor, std::int8_t* bytes) {
    return {round(a, factor, bytes), round(b, factor, bytes + 16)};
  }
  static std::int32_t round(vector x, float factor, std::int8_t* bytes) {
    auto numbers = _mm512_cvtps_epi32(_mm512_mul_ps(x, _mm512_set1_ps(factor)));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(bytes),
                     _mm512_cvtepi32_epi8(numbers));
    return _mm512_reduce_add_epi32(numbers);
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
