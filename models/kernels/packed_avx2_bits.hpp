// Makes bytes of the numbers of packed matrices, for AVX2.
#pragma once

#include "models/kernels/packed_avx2_vectors.hpp"

#include <cstddef>

// Included by packed_avx2.cpp.

namespace model_server {

namespace {

/// Of each number of bits: the bytes of a word of a unit of a step.
struct avx2_packed_bits : avx2_packed_vectors {
  template <std::size_t Words>
  struct eight {
    static constexpr std::size_t step_bytes = 512;
    static constexpr std::size_t words = Words;
    static constexpr std::size_t units = 8 / Words;
    template <std::size_t Word>
    static integers word(const std::byte* step, std::size_t unit) {
      return line_at(step + (unit * Words + Word) * 64);
    }
  };

  template <std::size_t Word>
  static __m256i half(__m256i both) {
    return _mm256_and_si256(Word % 2 == 0 ? both : _mm256_srli_epi32(both, 4),
                            _mm256_set1_epi8(15));
  }
  template <std::size_t Word>
  static integers half_line(const std::byte* from) {
    auto both = line_at(from);
    return {half<Word>(both.low), half<Word>(both.high)};
  }

  struct four {
    static constexpr std::size_t step_bytes = 256;
    static constexpr std::size_t words = 2;
    static constexpr std::size_t units = 4;
    template <std::size_t Word>
    static integers word(const std::byte* step, std::size_t unit) {
      return half_line<Word>(step + unit * 64);
    }
  };

  // The values of iq4_nl and 128.
  struct table {
    static constexpr std::size_t step_bytes = 256;
    static constexpr std::size_t words = 2;
    static constexpr std::size_t units = 4;
    template <std::size_t Word>
    static integers word(const std::byte* step, std::size_t unit) {
      auto q = four::word<Word>(step, unit);
      auto values = _mm256_xor_si256(
          _mm256_broadcastsi128_si256(
              _mm_loadu_si128(reinterpret_cast<const __m128i*>(iq4_nl_values))),
          _mm256_set1_epi8(static_cast<char>(0x80)));
      return {_mm256_shuffle_epi8(values, q.low),
              _mm256_shuffle_epi8(values, q.high)};
    }
  };

  struct five {
    static constexpr std::size_t step_bytes = 320;
    static constexpr std::size_t words = 4;
    static constexpr std::size_t units = 2;
    template <std::size_t Word>
    static __m256i fifth(__m256i all, std::size_t unit) {
      auto here =
          _mm256_srl_epi16(all, _mm_cvtsi32_si128(static_cast<int>(4 * unit)));
      return _mm256_and_si256(_mm256_slli_epi16(here, 4 - Word),
                              _mm256_set1_epi8(16));
    }
    template <std::size_t Word>
    static integers word(const std::byte* step, std::size_t unit) {
      auto q = half_line<Word>(step + (1 + unit * 2 + Word / 2) * 64);
      auto all = line_at(step);
      return {_mm256_or_si256(q.low, fifth<Word>(all.low, unit)),
              _mm256_or_si256(q.high, fifth<Word>(all.high, unit))};
    }
  };

  struct six {
    static constexpr std::size_t step_bytes = 384;
    static constexpr std::size_t words = 4;
    static constexpr std::size_t units = 2;
    template <std::size_t Word>
    static __m256i upper(__m256i all) {
      return _mm256_and_si256(Word < 2 ? _mm256_slli_epi16(all, 4 - 2 * Word)
                                       : _mm256_srli_epi16(all, 2 * Word - 4),
                              _mm256_set1_epi8(0x30));
    }
    template <std::size_t Word>
    static integers word(const std::byte* step, std::size_t unit) {
      auto at = step + unit * 192;
      auto q = half_line<Word>(at + (1 + Word / 2) * 64);
      auto all = line_at(at);
      return {_mm256_or_si256(q.low, upper<Word>(all.low)),
              _mm256_or_si256(q.high, upper<Word>(all.high))};
    }
  };
};

} // namespace

} // namespace model_server
