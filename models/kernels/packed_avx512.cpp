// The loops for packed matrices for processors with AVX-512 and VNNI.
#include "models/kernels/packed_product.hpp"
#include "models/kernels/target.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <limits>
#include <utility>

#if defined(__x86_64__)

#include <immintrin.h>

// GCC 12 warns of its own header (bug 105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

MODEL_SERVER_TARGET_BEGIN(
    "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")

#include "models/kernels/packed_avx512_bits.hpp"
#include "models/kernels/packed_loops.hpp"

namespace model_server {

namespace {

struct avx512_packed_lanes : avx512_packed_bits {
  // Four blocks of 32 KiB in all leave room for the inputs in a first cache of
  // 48 KiB.
  static constexpr std::size_t panel_blocks = 4;
  static constexpr std::size_t panel_bytes = 32 * 1024;

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

  struct quantized {
    static constexpr bool is_quantized = true;
    static constexpr tile_limits limits{8, 6};
    static constexpr std::size_t blocks_of(std::size_t rows) {
      return avx512_packed_lanes::blocks_of(rows);
    }
    using sum = __m512i;
    static vector end(sum sums, input_facts, const std::byte*) {
      return _mm512_cvtepi32_ps(sums);
    }
  };

  // Bytes without a sign times bytes with one, four at a time; the offset of
  // the weights is where a sum begins.
  template <class Bits, int Zero>
  struct plain_sums : quantized {
    using bits = Bits;
    static constexpr std::size_t step_bytes = Bits::step_bytes;
    static constexpr std::size_t units = Bits::units;
    static constexpr std::size_t parts = Bits::words;
    static constexpr std::size_t part_words = 1;
    using weight = __m512i;
    using input = __m512i;
    static sum begin(input_facts facts) {
      auto eight = word_at<std::int32_t>(facts.at(input_fact::offset));
      return _mm512_set1_epi32(eight * (Zero / 8));
    }
    static input spread(const std::byte* words, std::size_t) {
      return _mm512_set1_epi32(word_at<std::int32_t>(words));
    }
    template <std::size_t Part>
    static weight load(const std::byte* step, std::size_t unit,
                       const std::byte*) {
      return Bits::template word<Part>(step, unit);
    }
    static sum add(sum sums, weight w, input x) {
      return kept(_mm512_dpbusd_epi32(sums, w, x));
    }
  };

  // Each output has a scale, a byte.
  template <class Bits>
  struct byte_scaled_sums : plain_sums<Bits, 0> {
    static vector end(__m512i sums, input_facts, const std::byte* scales) {
      auto factors = _mm512_cvtepu8_epi32(
          _mm_load_si128(reinterpret_cast<const __m128i*>(scales)));
      return _mm512_cvtepi32_ps(_mm512_mullo_epi32(sums, factors));
    }
  };

  // Two words of the input at once: four products of at most 63 * 127 fit into
  // 16 bits. Each 16 inputs have a scale, a byte with a sign, that the integers
  // are multiplied with as pairs become one.
  template <class Bits>
  struct scaled_sums : quantized {
    using bits = Bits;
    static constexpr std::size_t step_bytes = Bits::step_bytes;
    static constexpr std::size_t units = Bits::units;
    static constexpr std::size_t parts = Bits::words / 2;
    static constexpr std::size_t part_words = 2;
    struct weight {
      __m512i first, second, scales;
    };
    struct input {
      __m512i first, second;
    };
    static sum begin(input_facts) {
      return _mm512_setzero_si512();
    }
    static input spread(const std::byte* words, std::size_t stride) {
      return {_mm512_set1_epi32(word_at<std::int32_t>(words)),
              _mm512_set1_epi32(word_at<std::int32_t>(words + stride))};
    }
    // The scales of both halves for each output.
    static __m512i both(const std::byte* scales) {
      return _mm512_cvtepi8_epi16(
          _mm256_load_si256(reinterpret_cast<const __m256i*>(scales)));
    }
    // The scale of a half, twice.
    static __m512i twice(const std::byte* scales, std::size_t unit) {
      auto upper =
          _mm512_sll_epi32(both(scales), _mm_cvtsi32_si128(unit == 0 ? 16 : 0));
      auto lower = _mm512_srli_epi32(upper, 16);
      return _mm512_mask_blend_epi16(0xAAAAAAAAu, lower, upper);
    }
    template <std::size_t Part>
    static weight load(const std::byte* step, std::size_t unit,
                       const std::byte* scales) {
      return {Bits::template word<2 * Part>(step, unit),
              Bits::template word<2 * Part + 1>(step, unit),
              twice(scales, unit)};
    }
    static sum add(sum sums, weight w, input x) {
      auto products =
          _mm512_add_epi16(_mm512_maddubs_epi16(w.first, x.first),
                           _mm512_maddubs_epi16(w.second, x.second));
      return kept(_mm512_dpwssd_epi32(sums, products, w.scales));
    }
    // A number of 0 is written as 32.
    static vector end(sum sums, input_facts facts, const std::byte* scales) {
      auto halves = _mm512_set1_epi32(
          word_at<std::int32_t>(facts.at(input_fact::half_sums)));
      auto offset =
          _mm512_slli_epi32(_mm512_madd_epi16(both(scales), halves), 5);
      return _mm512_cvtepi32_ps(_mm512_sub_epi32(sums, offset));
    }
  };

  using eight_sums = plain_sums<eight<1>, 128>;
  using table_sums = plain_sums<table, 128>;
  template <int Zero>
  using four_sums = plain_sums<four, Zero>;
  template <int Zero>
  using four_wide_sums = plain_sums<eight<1>, Zero>;
  template <int Zero>
  using five_sums = plain_sums<five, Zero>;
  template <int Zero>
  using five_wide_sums = plain_sums<eight<1>, Zero>;
  using four_scaled_sums = byte_scaled_sums<four>;
  using four_scaled_wide_sums = byte_scaled_sums<eight<1>>;
  using five_scaled_sums = byte_scaled_sums<five>;
  using five_scaled_wide_sums = byte_scaled_sums<eight<1>>;
  using six_sums = scaled_sums<six>;
  using six_wide_sums = scaled_sums<eight<4>>;

  struct bf16 {
    static constexpr auto format = packed_format::bf16;
    static constexpr bool is_quantized = false;
    static constexpr tile_limits limits{8, 6};
    static constexpr std::size_t blocks_of(std::size_t rows) {
      return avx512_packed_lanes::blocks_of(rows);
    }
    static constexpr std::size_t step_bytes = 64;
    static constexpr std::size_t parts = 2;
    static constexpr std::size_t part_words = 1;
    using sum = vector;
    using weight = vector;
    using input = vector;
    template <std::size_t Part>
    static weight load(const std::byte* from, std::size_t, const std::byte*) {
      auto both = line_at(from);
      return _mm512_castsi512_ps(
          Part == 0 ? _mm512_slli_epi32(both, 16)
                    : _mm512_and_si512(
                        both, _mm512_set1_epi32(static_cast<int>(0xFFFF0000))));
    }
    static input spread(const std::byte* words, std::size_t) {
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
