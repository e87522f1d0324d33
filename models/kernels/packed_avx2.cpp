// The loops for packed matrices for processors with AVX2 and FMA.
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

MODEL_SERVER_TARGET_BEGIN("avx2,fma,f16c")

#include "models/kernels/packed_avx2_bits.hpp"
#include "models/kernels/packed_loops.hpp"

namespace model_server {

namespace {

struct avx2_packed_lanes : avx2_packed_bits {
  static constexpr std::size_t panel_blocks = 4;
  static constexpr std::size_t panel_bytes = 16 * 1024;

  // Sums that stay in their registers. The compiler would rather have all
  // products first, and not enough registers for them, or move the sums to
  // others and back.
  static void add_words(__m256i& sums, __m256i x) {
    asm("vpaddw %1, %0, %0" : "+x"(sums) : "x"(x));
  }
  static void add_integers(__m256i& sums, __m256i x) {
    asm("vpaddd %1, %0, %0" : "+x"(sums) : "x"(x));
  }

  // -Zero times the sum of the bytes of the input.
  template <int Zero>
  static __m256i offset(input_facts facts) {
    static_assert(Zero == 0 || Zero == 8 || Zero == 16);
    if constexpr (Zero == 0)
      return _mm256_setzero_si256();
    auto eight =
        _mm256_set1_epi32(word_at<std::int32_t>(facts.at(input_fact::offset)));
    return Zero == 8 ? eight : _mm256_add_epi32(eight, eight);
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
    static sum begin(input_facts) {
      return {_mm256_setzero_si256(), _mm256_setzero_si256()};
    }
    static vector end(sum sums, input_facts, const std::byte*) {
      return {_mm256_cvtepi32_ps(sums.low), _mm256_cvtepi32_ps(sums.high)};
    }
  };

  template <class Bits>
  struct single_words : quantized {
    using bits = Bits;
    static constexpr std::size_t step_bytes = Bits::step_bytes;
    static constexpr std::size_t units = Bits::units;
    static constexpr std::size_t parts = Bits::words;
    static constexpr std::size_t part_words = 1;
    using input = __m256i;
    static input spread(const std::byte* words, std::size_t) {
      return _mm256_set1_epi32(word_at<std::int32_t>(words));
    }
  };

  // The instruction wants one side without a sign, so the weight gives its own
  // to the input. Two products of at most 128 * 127 fit into 16 bits.
  template <class Bits>
  struct signed_sums : single_words<Bits> {
    using input = __m256i;
    using sum = integers;
    struct weight {
      integers numbers, sizes;
    };
    template <std::size_t Part>
    static weight load(const std::byte* step, std::size_t unit,
                       const std::byte*) {
      auto line = Bits::template word<Part>(step, unit);
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
  };

  // What 8 sums of a group are multiplied with, be they integers or pairs of
  // words that become one: nothing, or a byte for each output.
  struct no_scales {
    static __m256i of_words(__m256i sums, const std::byte*) {
      return widen_pairs(sums);
    }
    static __m256i of_integers(__m256i sums, const std::byte*) {
      return sums;
    }
  };
  struct byte_scales {
    static __m256i of_words(__m256i sums, const std::byte* scales) {
      auto all = _mm256_set1_epi64x(word_at<std::int64_t>(scales));
      auto twice = _mm256_setr_epi8(0, -1, 0, -1, 1, -1, 1, -1, 2, -1, 2, -1, 3,
                                    -1, 3, -1, 4, -1, 4, -1, 5, -1, 5, -1, 6,
                                    -1, 6, -1, 7, -1, 7, -1);
      return _mm256_madd_epi16(sums, _mm256_shuffle_epi8(all, twice));
    }
    static __m256i of_integers(__m256i sums, const std::byte* scales) {
      return _mm256_mullo_epi32(
          sums, _mm256_cvtepu8_epi32(
                    _mm_loadl_epi64(reinterpret_cast<const __m128i*>(scales))));
    }
  };

  // All 16 products of a group that meet in 16 bits are at most 15 * 127.
  template <class Bits, int Zero, class Scales>
  struct group_sums : single_words<Bits> {
    using input = __m256i;
    using sum = integers;
    using weight = integers;
    template <std::size_t Part>
    static weight load(const std::byte* step, std::size_t unit,
                       const std::byte*) {
      return Bits::template word<Part>(step, unit);
    }
    static sum add(sum sums, weight w, input x) {
      add_words(sums.low, _mm256_maddubs_epi16(w.low, x));
      add_words(sums.high, _mm256_maddubs_epi16(w.high, x));
      return sums;
    }
    static __m256 end(__m256i sums, __m256i begin, const std::byte* scales) {
      return _mm256_cvtepi32_ps(
          _mm256_add_epi32(Scales::of_words(sums, scales), begin));
    }
    static vector end(sum sums, input_facts facts, const std::byte* scales) {
      auto begin = offset<Zero>(facts);
      return {end(sums.low, begin, scales), end(sums.high, begin, scales + 8)};
    }
  };

  // Two words of the input at once: four products of at most 63 * 127 fit into
  // 16 bits.
  template <class Bits>
  struct pairs_of_words : quantized {
    // With one row fewer sums than those of single words: making bytes of the
    // numbers takes registers.
    static constexpr std::size_t blocks_of(std::size_t rows) {
      constexpr std::size_t blocks[] = {0, 4, 2, 1, 1};
      return blocks[rows];
    }
    using bits = Bits;
    static constexpr std::size_t step_bytes = Bits::step_bytes;
    static constexpr std::size_t units = Bits::units;
    static constexpr std::size_t parts = Bits::words / 2;
    static constexpr std::size_t part_words = 2;
    struct input {
      __m256i first, second;
    };
    static input spread(const std::byte* words, std::size_t stride) {
      return {_mm256_set1_epi32(word_at<std::int32_t>(words)),
              _mm256_set1_epi32(word_at<std::int32_t>(words + stride))};
    }
    static __m256i products(__m256i first, __m256i second, input x) {
      return _mm256_add_epi16(_mm256_maddubs_epi16(first, x.first),
                              _mm256_maddubs_epi16(second, x.second));
    }
  };

  template <class Bits, int Zero, class Scales>
  struct pair_sums : pairs_of_words<Bits> {
    using input = typename pairs_of_words<Bits>::input;
    using sum = integers;
    struct weight {
      integers first, second;
    };
    static sum begin(input_facts facts) {
      return {offset<Zero>(facts), offset<Zero>(facts)};
    }
    template <std::size_t Part>
    static weight load(const std::byte* step, std::size_t unit,
                       const std::byte*) {
      return {Bits::template word<2 * Part>(step, unit),
              Bits::template word<2 * Part + 1>(step, unit)};
    }
    static sum add(sum sums, weight w, input x) {
      auto products = pairs_of_words<Bits>::products;
      add_integers(sums.low,
                   widen_pairs(products(w.first.low, w.second.low, x)));
      add_integers(sums.high,
                   widen_pairs(products(w.first.high, w.second.high, x)));
      return sums;
    }
    static vector end(sum sums, input_facts, const std::byte* scales) {
      return {_mm256_cvtepi32_ps(Scales::of_integers(sums.low, scales)),
              _mm256_cvtepi32_ps(Scales::of_integers(sums.high, scales + 8))};
    }
  };

  // Each 16 inputs have a scale, a byte with a sign, that the integers are
  // multiplied with as pairs become one.
  template <class Bits>
  struct scaled_sums : pairs_of_words<Bits> {
    using input = typename pairs_of_words<Bits>::input;
    using sum = integers;
    struct weight {
      integers first, second, scales;
    };
    // The scale of a half for each pair of words of 8 outputs.
    static __m256i twice(const std::byte* scales, std::size_t unit) {
      auto all = _mm256_broadcastsi128_si256(
          _mm_load_si128(reinterpret_cast<const __m128i*>(scales)));
      auto upper_bytes = _mm256_add_epi8(
          _mm256_setr_epi8(-128, 0, -128, 0, -128, 2, -128, 2, -128, 4, -128, 4,
                           -128, 6, -128, 6, -128, 8, -128, 8, -128, 10, -128,
                           10, -128, 12, -128, 12, -128, 14, -128, 14),
          _mm256_set1_epi8(static_cast<char>(unit)));
      return _mm256_srai_epi16(_mm256_shuffle_epi8(all, upper_bytes), 8);
    }
    static __m256i both(const std::byte* scales) {
      return _mm256_cvtepi8_epi16(
          _mm_load_si128(reinterpret_cast<const __m128i*>(scales)));
    }
    template <std::size_t Part>
    static weight load(const std::byte* step, std::size_t unit,
                       const std::byte* scales) {
      return {Bits::template word<2 * Part>(step, unit),
              Bits::template word<2 * Part + 1>(step, unit),
              {twice(scales, unit), twice(scales + 16, unit)}};
    }
    static void add(__m256i& sums, __m256i first, __m256i second,
                    __m256i scales, input x) {
      auto products = pairs_of_words<Bits>::products(first, second, x);
      add_integers(sums, _mm256_madd_epi16(products, scales));
    }
    static sum add(sum sums, weight w, input x) {
      add(sums.low, w.first.low, w.second.low, w.scales.low, x);
      add(sums.high, w.first.high, w.second.high, w.scales.high, x);
      return sums;
    }
    // A number of 0 is written as 32.
    static __m256 end(__m256i sums, __m256i halves, const std::byte* scales) {
      auto offset =
          _mm256_slli_epi32(_mm256_madd_epi16(both(scales), halves), 5);
      return _mm256_cvtepi32_ps(_mm256_sub_epi32(sums, offset));
    }
    static vector end(sum sums, input_facts facts, const std::byte* scales) {
      auto halves = _mm256_set1_epi32(
          word_at<std::int32_t>(facts.at(input_fact::half_sums)));
      return {end(sums.low, halves, scales),
              end(sums.high, halves, scales + 16)};
    }
  };

  using eight_sums = signed_sums<eight<1>>;
  using table_sums = signed_sums<table>;
  template <int Zero>
  using four_sums = group_sums<four, Zero, no_scales>;
  template <int Zero>
  using four_wide_sums = group_sums<eight<1>, Zero, no_scales>;
  using four_scaled_sums = group_sums<four, 0, byte_scales>;
  using four_scaled_wide_sums = group_sums<eight<1>, 0, byte_scales>;
  template <int Zero>
  using five_sums = pair_sums<five, Zero, no_scales>;
  template <int Zero>
  using five_wide_sums = pair_sums<eight<4>, Zero, no_scales>;
  using five_scaled_sums = pair_sums<five, 0, byte_scales>;
  using five_scaled_wide_sums = pair_sums<eight<4>, 0, byte_scales>;
  using six_sums = scaled_sums<six>;
  using six_wide_sums = scaled_sums<eight<4>>;

  struct bf16 {
    static constexpr auto format = packed_format::bf16;
    static constexpr bool is_quantized = false;
    static constexpr tile_limits limits{6, 6};
    static constexpr std::size_t blocks_of(std::size_t rows) {
      constexpr std::size_t blocks[] = {0, 4, 2, 1, 1, 1, 1};
      return blocks[rows];
    }
    static constexpr std::size_t step_bytes = 64;
    static constexpr std::size_t parts = 2;
    static constexpr std::size_t part_words = 1;
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
    static weight load(const std::byte* from, std::size_t, const std::byte*) {
      auto line = line_at(from);
      return {half<Part>(line.low), half<Part>(line.high)};
    }
    static input spread(const std::byte* words, std::size_t) {
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
