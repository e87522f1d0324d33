// The loops for packed matrices for processors with AVX-512 and VNNI.
#include "models/kernels/packed_product.hpp"
#include "models/kernels/target.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <limits>

#if defined(__x86_64__)

#include <immintrin.h>

// GCC 12 warns of its own header (bug 105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

MODEL_SERVER_TARGET_BEGIN(
    "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")

#include "models/kernels/packed_loops.hpp"

namespace model_server {

namespace {

struct avx512_packed_lanes {
  using vector = __m512;

  // Four blocks of 32 KiB in all leave room for the inputs in a first cache of
  // 48 KiB.
  static constexpr std::size_t panel_blocks = 4;
  static constexpr std::size_t panel_bytes = 32 * 1024;

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
  static std::int32_t round(vector a, vector b, float factor,
                            std::int8_t* bytes) {
    auto scale = _mm512_set1_ps(factor);
    auto low = _mm512_cvtps_epi32(_mm512_mul_ps(a, scale));
    auto high = _mm512_cvtps_epi32(_mm512_mul_ps(b, scale));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(bytes),
                     _mm512_cvtepi32_epi8(low));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(bytes + 16),
                     _mm512_cvtepi32_epi8(high));
    return _mm512_reduce_add_epi32(_mm512_add_epi32(low, high));
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

  // Makes the compiler leave a sum in its register: it would rather move all of
  // them to others and back.
  template <class Sum>
  static Sum kept(Sum x) {
    asm("" : "+v"(x));
    return x;
  }

  // 32 registers: 24 sums, the weights, an input.
  static constexpr std::size_t blocks_of(std::size_t rows) {
    constexpr std::size_t blocks[] = {0, 8, 8, 8, 4, 4, 4, 3, 3};
    return blocks[rows];
  }

  // Bytes without a sign times bytes with one, four at a time; the offset of
  // the weights is where a sum begins.
  struct quantized {
    static constexpr bool is_quantized = true;
    static constexpr tile_limits limits{8, 6};
    static constexpr std::size_t blocks_of(std::size_t rows) {
      return avx512_packed_lanes::blocks_of(rows);
    }
    using sum = __m512i;
    using weight = __m512i;
    using input = __m512i;
    static sum begin(const std::byte* offset) {
      return _mm512_set1_epi32(word_at<std::int32_t>(offset));
    }
    static input spread(const std::byte* words) {
      return _mm512_set1_epi32(word_at<std::int32_t>(words));
    }
    static sum add(sum sums, weight w, input x) {
      return kept(_mm512_dpbusd_epi32(sums, w, x));
    }
    static vector end(sum sums, const std::byte*) {
      return _mm512_cvtepi32_ps(sums);
    }
  };

  struct int8 : quantized {
    static constexpr auto format = packed_format::int8;
    static constexpr std::size_t offset_kind = 0;
    static constexpr std::size_t parts = 1;
    template <std::size_t>
    static __m512i load(const std::byte* from) {
      return line_at(from);
    }
  };

  struct int4 : quantized {
    static constexpr auto format = packed_format::int4;
    static constexpr std::size_t offset_kind = 1;
    static constexpr std::size_t parts = 2;
    template <std::size_t Part>
    static __m512i load(const std::byte* from) {
      auto both = line_at(from);
      return _mm512_and_si512(Part == 0 ? both : _mm512_srli_epi32(both, 4),
                              _mm512_set1_epi8(15));
    }
  };

  // 4 bits, each in a byte of its own.
  struct int4_bytes : int8 {
    static constexpr std::size_t offset_kind = 1;
  };

  struct bf16 {
    static constexpr auto format = packed_format::bf16;
    static constexpr bool is_quantized = false;
    static constexpr tile_limits limits{8, 6};
    static constexpr std::size_t blocks_of(std::size_t rows) {
      return avx512_packed_lanes::blocks_of(rows);
    }
    static constexpr std::size_t parts = 2;
    using sum = vector;
    using weight = vector;
    using input = vector;
    template <std::size_t Part>
    static weight load(const std::byte* from) {
      auto both = line_at(from);
      return _mm512_castsi512_ps(
          Part == 0 ? _mm512_slli_epi32(both, 16)
                    : _mm512_and_si512(
                        both, _mm512_set1_epi32(static_cast<int>(0xFFFF0000))));
    }
    static input spread(const std::byte* words) {
      return avx512_packed_lanes::spread(words);
    }
    static sum add(sum sums, weight w, input x) {
      return kept(_mm512_fmadd_ps(w, x, sums));
    }
  };
};

} // namespace

extern const packed_kernels avx512_packed;
constinit const packed_kernels avx512_packed =
    packed_loops<avx512_packed_lanes>::table("avx512");

} // namespace model_server

MODEL_SERVER_TARGET_END

#endif
