// The loops for packed matrices for processors with AVX2 and FMA.
#include "models/kernels/packed_product.hpp"
#include "models/kernels/target.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <limits>

#if defined(__x86_64__)

#include <immintrin.h>

MODEL_SERVER_TARGET_BEGIN("avx2,fma,f16c")

#include "models/kernels/packed_loops.hpp"

namespace model_server {

namespace {

struct avx2_packed_lanes {
  struct vector {
    __m256 low, high;
  };
  struct integers {
    __m256i low, high;
  };

  static constexpr std::size_t panel_blocks = 4;
  static constexpr std::size_t panel_bytes = 16 * 1024;

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
  static __m128i to_words(__m256i x) {
    return _mm_packs_epi32(_mm256_castsi256_si128(x),
                           _mm256_extracti128_si256(x, 1));
  }
  static __m256i round(vector x, float factor, std::int8_t* bytes) {
    auto scale = _mm256_set1_ps(factor);
    auto low = _mm256_cvtps_epi32(_mm256_mul_ps(x.low, scale));
    auto high = _mm256_cvtps_epi32(_mm256_mul_ps(x.high, scale));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(bytes),
                     _mm_packs_epi16(to_words(low), to_words(high)));
    return _mm256_add_epi32(low, high);
  }
  static std::int32_t round(vector a, vector b, float factor,
                            std::int8_t* bytes) {
    auto eight =
        _mm256_add_epi32(round(a, factor, bytes), round(b, factor, bytes + 16));
    auto four = _mm_add_epi32(_mm256_castsi256_si128(eight),
                              _mm256_extracti128_si256(eight, 1));
    auto two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4E));
    return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 0xB1)));
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

  // Sums that stay in their registers. The compiler would rather have all
  // products first, and not enough registers for them, or move the sums to
  // others and back.
  static void add_words(__m256i& sums, __m256i x) {
    asm("vpaddw %1, %0, %0" : "+x"(sums) : "x"(x));
  }
  static void add_integers(__m256i& sums, __m256i x) {
    asm("vpaddd %1, %0, %0" : "+x"(sums) : "x"(x));
  }

  // 16 registers, two for each vector.
  struct quantized {
    static constexpr bool is_quantized = true;
    static constexpr tile_limits limits{4, 4};
    static constexpr std::size_t blocks_of(std::size_t rows) {
      // With one row, more sums than registers: reading in many places at once
      // gains more than the moves cost.
      constexpr std::size_t blocks[] = {0, 8, 2, 1, 1};
      return blocks[rows];
    }
    using sum = integers;
    using input = __m256i;
    static sum begin(const std::byte*) {
      return {_mm256_setzero_si256(), _mm256_setzero_si256()};
    }
    static input spread(const std::byte* words) {
      return _mm256_set1_epi32(word_at<std::int32_t>(words));
    }
  };

  // The instruction wants one side without a sign, so the weight gives its own
  // to the input. Two products of at most 128 * 127 fit into 16 bits.
  struct int8 : quantized {
    static constexpr auto format = packed_format::int8;
    static constexpr std::size_t offset_kind = 0;
    static constexpr std::size_t parts = 1;
    struct weight {
      integers numbers, sizes;
    };
    template <std::size_t>
    static weight load(const std::byte* from) {
      auto line = line_at(from);
      auto offset = _mm256_set1_epi8(static_cast<char>(0x80));
      integers numbers{_mm256_xor_si256(line.low, offset),
                       _mm256_xor_si256(line.high, offset)};
      return {numbers,
              {_mm256_abs_epi8(numbers.low), _mm256_abs_epi8(numbers.high)}};
    }
    static void add(__m256i& sums, __m256i numbers, __m256i sizes, input x) {
      add_integers(sums, widen_pairs(_mm256_maddubs_epi16(
                             sizes, _mm256_sign_epi8(x, numbers))));
    }
    static sum add(sum sums, weight w, input x) {
      add(sums.low, w.numbers.low, w.sizes.low, x);
      add(sums.high, w.numbers.high, w.sizes.high, x);
      return sums;
    }
    static vector end(sum sums, const std::byte*) {
      return {_mm256_cvtepi32_ps(sums.low), _mm256_cvtepi32_ps(sums.high)};
    }
  };

  // All 16 products of a group that meet in 16 bits are at most 15 * 127.
  struct int4 : quantized {
    static constexpr auto format = packed_format::int4;
    static constexpr std::size_t offset_kind = 1;
    static constexpr std::size_t parts = 2;
    using weight = integers;
    template <std::size_t Part>
    static __m256i half(__m256i both) {
      return _mm256_and_si256(Part == 0 ? both : _mm256_srli_epi32(both, 4),
                              _mm256_set1_epi8(15));
    }
    template <std::size_t Part>
    static weight load(const std::byte* from) {
      auto line = line_at(from);
      return {half<Part>(line.low), half<Part>(line.high)};
    }
    static sum add(sum sums, weight w, input x) {
      add_words(sums.low, _mm256_maddubs_epi16(w.low, x));
      add_words(sums.high, _mm256_maddubs_epi16(w.high, x));
      return sums;
    }
    static vector end(sum sums, const std::byte* offset) {
      auto begin = _mm256_set1_epi32(word_at<std::int32_t>(offset));
      return {
          _mm256_cvtepi32_ps(_mm256_add_epi32(widen_pairs(sums.low), begin)),
          _mm256_cvtepi32_ps(_mm256_add_epi32(widen_pairs(sums.high), begin))};
    }
  };

  // 4 bits, each in a byte of its own.
  struct int4_bytes : int4 {
    static constexpr auto format = packed_format::int8;
    static constexpr std::size_t parts = 1;
    template <std::size_t>
    static weight load(const std::byte* from) {
      return line_at(from);
    }
  };

  struct bf16 {
    static constexpr auto format = packed_format::bf16;
    static constexpr bool is_quantized = false;
    static constexpr tile_limits limits{6, 6};
    static constexpr std::size_t blocks_of(std::size_t rows) {
      constexpr std::size_t blocks[] = {0, 4, 2, 1, 1, 1, 1};
      return blocks[rows];
    }
    static constexpr std::size_t parts = 2;
    using sum = vector;
    using weight = vector;
    using input = __m256;
    template <std::size_t Part>
    static __m256 half(__m256i both) {
      return _mm256_castsi256_ps(
          Part == 0 ? _mm256_slli_epi32(both, 16)
                    : _mm256_and_si256(
                        both, _mm256_set1_epi32(static_cast<int>(0xFFFF0000))));
    }
    template <std::size_t Part>
    static weight load(const std::byte* from) {
      auto line = line_at(from);
      return {half<Part>(line.low), half<Part>(line.high)};
    }
    static input spread(const std::byte* words) {
      return _mm256_set1_ps(word_at<float>(words));
    }
    static sum add(sum sums, weight w, input x) {
      sums.low = _mm256_fmadd_ps(w.low, x, sums.low);
      sums.high = _mm256_fmadd_ps(w.high, x, sums.high);
      asm("" : "+x"(sums.low), "+x"(sums.high)); // for the same reason
      return sums;
    }
  };
};

} // namespace

extern const packed_kernels avx2_packed;
constinit const packed_kernels avx2_packed =
    packed_loops<avx2_packed_lanes>::table("avx2");

} // namespace model_server

MODEL_SERVER_TARGET_END

#endif
