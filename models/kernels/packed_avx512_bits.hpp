// Makes bytes of the numbers of packed matrices, for AVX-512.
#pragma once

#include "models/kernels/packed_avx512_vectors.hpp"

#include <cstddef>

// Included by packed_avx512.cpp.

namespace model_server {

namespace {

/// Of each number of bits: the bytes of a word of a unit of a step.
struct avx512_packed_bits : avx512_packed_vectors {
  template <std::size_t Words>
  struct eight {
    static constexpr std::size_t step_bytes = 512;
    static constexpr std::size_t words = Words;
    static constexpr std::size_t units = 8 / Words;
    template <std::size_t Word>
    static __m512i word(const std::byte* step, std::size_t unit) {
      return line_at(step + (unit * Words + Word) * 64);
    }
  };

  template <std::size_t Word>
  static __m512i half_line(const std::byte* from) {
    auto both = line_at(from);
    return _mm512_and_si512(Word % 2 == 0 ? both : _mm512_srli_epi32(both, 4),
                            _mm512_set1_epi8(15));
  }

  struct four {
    static constexpr std::size_t step_bytes = 256;
    static constexpr std::size_t words = 2;
    static constexpr std::size_t units = 4;
    template <std::size_t Word>
    static __m512i word(const std::byte* step, std::size_t unit) {
      return half_line<Word>(step + unit * 64);
    }
  };

  // The values of iq4_nl and 128.
  struct table {
    static constexpr std::size_t step_bytes = 256;
    static constexpr std::size_t words = 2;
    static constexpr std::size_t units = 4;
    template <std::size_t Word>
    static __m512i word(const std::byte* step, std::size_t unit) {
      auto values = _mm512_xor_si512(
          _mm512_broadcast_i32x4(
              _mm_loadu_si128(reinterpret_cast<const __m128i*>(iq4_nl_values))),
          _mm512_set1_epi8(static_cast<char>(0x80)));
      return _mm512_shuffle_epi8(values, four::word<Word>(step, unit));
    }
  };

  struct five {
    static constexpr std::size_t step_bytes = 320;
    static constexpr std::size_t words = 4;
    static constexpr std::size_t units = 2;
    template <std::size_t Word>
    static __m512i word(const std::byte* step, std::size_t unit) {
      auto here = _mm512_srl_epi16(
          line_at(step), _mm_cvtsi32_si128(static_cast<int>(4 * unit)));
      auto fifth = _mm512_and_si512(_mm512_slli_epi16(here, 4 - Word),
                                    _mm512_set1_epi8(16));
      return _mm512_or_si512(
          half_line<Word>(step + (1 + unit * 2 + Word / 2) * 64), fifth);
    }
  };

  struct six {
    static constexpr std::size_t step_bytes = 384;
    static constexpr std::size_t words = 4;
    static constexpr std::size_t units = 2;
    template <std::size_t Word>
    static __m512i word(const std::byte* step, std::size_t unit) {
      auto at = step + unit * 192;
      auto all = line_at(at);
      auto upper =
          _mm512_and_si512(Word < 2 ? _mm512_slli_epi16(all, 4 - 2 * Word)
                                    : _mm512_srli_epi16(all, 2 * Word - 4),
                           _mm512_set1_epi8(0x30));
      return _mm512_or_si512(half_line<Word>(at + (1 + Word / 2) * 64), upper);
    }
  };
};

} // namespace

} // namespace model_server
