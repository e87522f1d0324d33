// Sums of integers in registers of 8: which of eight scales is the best, and
// what the halves of a group come to.
#pragma once

#include "models/kernels/packed_input_loops.hpp"

#include <bit>
#include <cstddef>

// Included by packed_avx*.cpp.

namespace model_server {

namespace {

struct packed_best_scale {
  using sums = __m256i;

  static __m256i four_sums_of(const sums* x) {
    return _mm256_hadd_epi32(_mm256_hadd_epi32(x[0], x[1]),
                             _mm256_hadd_epi32(x[2], x[3]));
  }
  static __m256 eight_sums_of(const sums* x) {
    auto first = four_sums_of(x);
    auto last = four_sums_of(x + 4);
    return _mm256_cvtepi32_ps(
        _mm256_add_epi32(_mm256_permute2x128_si256(first, last, 0x20),
                         _mm256_permute2x128_si256(first, last, 0x31)));
  }
  static __m256 largest(__m256 x) {
    auto four = _mm256_max_ps(x, _mm256_permute2f128_ps(x, x, 1));
    auto two = _mm256_max_ps(four, _mm256_permute_ps(four, 0x4E));
    return _mm256_max_ps(two, _mm256_permute_ps(two, 0xB1));
  }
  static half_sums half_sums_of(sums first, sums last) {
    auto four = _mm256_hadd_epi32(first, last);
    auto two = _mm_hadd_epi32(_mm256_castsi256_si128(four),
                              _mm256_extracti128_si256(four, 1));
    return {_mm_extract_epi32(two, 0) + _mm_extract_epi32(two, 2),
            _mm_extract_epi32(two, 1) + _mm_extract_epi32(two, 3)};
  }
  // Without branches, which nobody could predict.
  static scale_choice best_of(const sums* tq, const sums* qq) {
    static_assert(scales_tried == 8);
    auto all = eight_sums_of(tq);
    auto worth = _mm256_div_ps(all, eight_sums_of(qq));
    auto kept = _mm256_mul_ps(all, worth);
    auto enough = _mm256_mul_ps(largest(kept), _mm256_set1_ps(nearly_the_best));
    auto found = _mm256_movemask_ps(_mm256_cmp_ps(kept, enough, _CMP_GE_OQ));
    auto index = static_cast<std::size_t>(
        std::countr_zero(static_cast<unsigned>(found)));
    float each[scales_tried];
    _mm256_storeu_ps(each, worth);
    return {index, each[index]};
  }
};

} // namespace

} // namespace model_server
