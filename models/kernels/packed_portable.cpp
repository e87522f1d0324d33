// The loops for packed matrices in plain C++: the fallback for every processor.
#include "models/kernels/fused.hpp"
#include "models/kernels/packed_loops.hpp"
#include "models/weights/half_floats.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace model_server {

namespace {

struct portable_packed_lanes {
  template <class Number>
  struct sixteen {
    Number at[16];
  };
  using vector = sixteen<float>;
  struct shorts {
    std::int16_t at[32];
  };
  using sums = std::int32_t;
  struct line_of_bytes {
    std::uint8_t at[64];
  };

  static constexpr std::size_t panel_blocks = 1;
  static constexpr std::size_t panel_bytes = 16 * 1024;

  template <class Number, class F>
  static sixteen<Number> make(F f) {
    sixteen<Number> result;
    for (std::size_t i = 0; i < 16; ++i)
      result.at[i] = f(i);
    return result;
  }
  template <class Number>
  static Number word_at(const std::byte* from) {
    Number result;
    std::memcpy(&result, from, sizeof(result));
    return result;
  }

  static vector zero() {
    return {};
  }
  static vector spread(const std::byte* from) {
    auto x = word_at<float>(from);
    return make<float>([=](std::size_t) { return x; });
  }
  static vector load(const float* from) {
    return load_some(from, 16);
  }
  static vector load_some(const float* from, std::size_t count) {
    vector result{};
    std::memcpy(result.at, from, count * sizeof(float));
    return result;
  }
  static vector load_halves(const std::byte* from) {
    return make<float>([=](std::size_t i) {
      return to_float(word_at<float16>(from + 2 * i));
    });
  }
  static vector load_bytes(const std::byte* from) {
    return make<float>([=](std::size_t i) {
      return static_cast<float>(std::to_integer<int>(from[i]));
    });
  }
  static void store(float* to, const vector& x) {
    store_some(to, x, 16);
  }
  static void store_some(float* to, const vector& x, std::size_t count) {
    std::memcpy(to, x.at, count * sizeof(float));
  }
  static vector add(const vector& a, const vector& b) {
    return make<float>([&](std::size_t i) { return a.at[i] + b.at[i]; });
  }
  static vector multiply(const vector& a, const vector& b) {
    return make<float>([&](std::size_t i) { return a.at[i] * b.at[i]; });
  }
  static vector fma(const vector& a, const vector& b, const vector& c) {
    return make<float>(
        [&](std::size_t i) { return fused(a.at[i], b.at[i], c.at[i]); });
  }
  static void fetch(const std::byte*) {
  }
  static void store_line(std::byte* to, const line_of_bytes& from) {
    std::memcpy(to, from.at, 64);
  }

  static float largest_size(const vector& a, const vector& b) {
    std::uint32_t largest = 0;
    for (std::size_t i = 0; i < 16; ++i)
      for (auto x : {a.at[i], b.at[i]})
        largest =
            std::max(largest, std::bit_cast<std::uint32_t>(x) & 0x7FFFFFFFu);
    return std::bit_cast<float>(largest);
  }
  // Adding a large number rounds to the nearest integer, ties to even.
  static shorts to_shorts(const vector& first, const vector& last,
                          float factor) {
    constexpr auto large = 0x1.8p23f;
    shorts result;
    for (std::size_t i = 0; i < 16; ++i) {
      result.at[i] =
          static_cast<std::int16_t>((first.at[i] * factor + large) - large);
      result.at[i + 16] =
          static_cast<std::int16_t>((last.at[i] * factor + large) - large);
    }
    return result;
  }
  static shorts rounded(shorts x, std::int16_t factor) {
    for (auto& each : x.at)
      each = static_cast<std::int16_t>((each * factor + 0x4000) >> 15);
    return x;
  }
  static sums products(const shorts& a, const shorts& b) {
    sums result = 0;
    for (std::size_t i = 0; i < 32; ++i)
      result += a.at[i] * b.at[i];
    return result;
  }
  static scale_choice best_of(const sums* tq, const sums* qq) {
    float worth[scales_tried], kept[scales_tried];
    for (std::size_t i = 0; i < scales_tried; ++i) {
      auto all = static_cast<float>(tq[i]);
      worth[i] = all / static_cast<float>(qq[i]);
      kept[i] = all * worth[i];
    }
    auto enough =
        *std::max_element(kept, kept + scales_tried) * nearly_the_best;
    auto found = std::find_if(kept, kept + scales_tried,
                              [&](float each) { return each >= enough; });
    auto index = static_cast<std::size_t>(found - kept);
    return {index, worth[index]};
  }
  static half_sums store_bytes(const shorts& x, std::int8_t* bytes) {
    half_sums result{};
    for (std::size_t i = 0; i < 32; ++i) {
      bytes[i] = static_cast<std::int8_t>(x.at[i]);
      (i < 16 ? result.first : result.last) += x.at[i];
    }
    return result;
  }

  struct quantized {
    static constexpr bool is_quantized = true;
    static constexpr tile_limits limits{1, 2};
    static constexpr std::size_t blocks_of(std::size_t) {
      return 1;
    }
  };

  // Of each number of bits: the bytes of a word of a unit of a step.
  template <std::size_t Words>
  struct eight {
    static constexpr std::size_t step_bytes = 512;
    static constexpr std::size_t words = Words;
    static constexpr std::size_t units = 8 / Words;
    template <std::size_t Word>
    static line_of_bytes word(const std::byte* step, std::size_t unit) {
      line_of_bytes result;
      std::memcpy(result.at, step + (unit * Words + Word) * 64, 64);
      return result;
    }
  };

  template <class F>
  static line_of_bytes make_line(F f) {
    line_of_bytes result;
    for (std::size_t i = 0; i < 64; ++i)
      result.at[i] = static_cast<std::uint8_t>(f(i));
    return result;
  }
  static unsigned byte_at(const std::byte* from) {
    return std::to_integer<unsigned>(*from);
  }
  template <std::size_t Word>
  static unsigned half(const std::byte* from) {
    return byte_at(from) >> Word % 2 * 4 & 15;
  }

  struct four {
    static constexpr std::size_t step_bytes = 256;
    static constexpr std::size_t words = 2;
    static constexpr std::size_t units = 4;
    template <std::size_t Word>
    static line_of_bytes word(const std::byte* step, std::size_t unit) {
      auto at = step + unit * 64;
      return make_line([=](std::size_t i) { return half<Word>(at + i); });
    }
  };

  // The values of iq4_nl and 128.
  struct table {
    static constexpr std::size_t step_bytes = 256;
    static constexpr std::size_t words = 2;
    static constexpr std::size_t units = 4;
    template <std::size_t Word>
    static line_of_bytes word(const std::byte* step, std::size_t unit) {
      auto at = step + unit * 64;
      return make_line([=](std::size_t i) {
        return iq4_nl_values[half<Word>(at + i)] + 128;
      });
    }
  };

  struct five {
    static constexpr std::size_t step_bytes = 320;
    static constexpr std::size_t words = 4;
    static constexpr std::size_t units = 2;
    template <std::size_t Word>
    static line_of_bytes word(const std::byte* step, std::size_t unit) {
      auto at = step + (1 + unit * 2 + Word / 2) * 64;
      auto bit = unit * 4 + Word;
      return make_line([=](std::size_t i) {
        return half<Word>(at + i) | (byte_at(step + i) >> bit & 1) << 4;
      });
    }
  };

  struct six {
    static constexpr std::size_t step_bytes = 384;
    static constexpr std::size_t words = 4;
    static constexpr std::size_t units = 2;
    template <std::size_t Word>
    static line_of_bytes word(const std::byte* step, std::size_t unit) {
      auto upper = step + unit * 192;
      auto at = upper + (1 + Word / 2) * 64;
      return make_line([=](std::size_t i) {
        return half<Word>(at + i) | (byte_at(upper + i) >> 2 * Word & 3) << 4;
      });
    }
  };

  // One word of the input after the other.
  template <class Bits>
  struct words_of : quantized {
    using bits = Bits;
    static constexpr std::size_t step_bytes = Bits::step_bytes;
    static constexpr std::size_t units = Bits::units;
    static constexpr std::size_t parts = Bits::words;
    static constexpr std::size_t part_words = 1;
    using sum = sixteen<std::int32_t>;
    using input = const std::byte*;
    static input spread(const std::byte* words, std::size_t) {
      return words;
    }
    static sum products(const line_of_bytes& w, input x) {
      std::int32_t four[4];
      for (std::size_t j = 0; j < 4; ++j)
        four[j] = std::to_integer<std::int8_t>(x[j]);
      return make<std::int32_t>([&](std::size_t i) {
        return w.at[4 * i] * four[0] + w.at[4 * i + 1] * four[1]
               + w.at[4 * i + 2] * four[2] + w.at[4 * i + 3] * four[3];
      });
    }
    static vector end(const sum& sums, input_facts, const std::byte*) {
      return make<float>(
          [&](std::size_t i) { return static_cast<float>(sums.at[i]); });
    }
  };

  template <class Bits, int Zero>
  struct plain_sums : words_of<Bits> {
    using sum = sixteen<std::int32_t>;
    using weight = line_of_bytes;
    static sum begin(input_facts facts) {
      auto x = word_at<std::int32_t>(facts.at(input_fact::offset)) * (Zero / 8);
      return make<std::int32_t>([=](std::size_t) { return x; });
    }
    template <std::size_t Part>
    static weight load(const std::byte* step, std::size_t unit,
                       const std::byte*) {
      return Bits::template word<Part>(step, unit);
    }
    static sum add(const sum& sums, const weight& w, const std::byte* x) {
      auto products = words_of<Bits>::products(w, x);
      return make<std::int32_t>(
          [&](std::size_t i) { return sums.at[i] + products.at[i]; });
    }
  };

  // Each output has a scale, a byte.
  template <class Bits>
  struct byte_scaled_sums : plain_sums<Bits, 0> {
    static vector end(const sixteen<std::int32_t>& sums, input_facts,
                      const std::byte* scales) {
      return make<float>([&](std::size_t i) {
        return static_cast<float>(sums.at[i]
                                  * std::to_integer<std::int32_t>(scales[i]));
      });
    }
  };

  // Each 16 inputs have a scale, a byte with a sign.
  template <class Bits>
  struct scaled_sums : words_of<Bits> {
    using sum = sixteen<std::int32_t>;
    struct weight {
      line_of_bytes numbers;
      sum scales;
    };
    static std::int32_t scale_at(const std::byte* scales, std::size_t lane,
                                 std::size_t half) {
      return std::to_integer<std::int8_t>(scales[2 * lane + half]);
    }
    static sum begin(input_facts) {
      return {};
    }
    template <std::size_t Part>
    static weight load(const std::byte* step, std::size_t unit,
                       const std::byte* scales) {
      return {Bits::template word<Part>(step, unit),
              make<std::int32_t>(
                  [=](std::size_t i) { return scale_at(scales, i, unit); })};
    }
    static sum add(const sum& sums, const weight& w, const std::byte* x) {
      auto products = words_of<Bits>::products(w.numbers, x);
      return make<std::int32_t>([&](std::size_t i) {
        return sums.at[i] + products.at[i] * w.scales.at[i];
      });
    }
    // A number of 0 is written as 32.
    static vector end(const sum& sums, input_facts facts,
                      const std::byte* scales) {
      auto halves = facts.at(input_fact::half_sums);
      auto first = word_at<std::int16_t>(halves);
      auto last = word_at<std::int16_t>(halves + 2);
      return make<float>([&](std::size_t i) {
        return static_cast<float>(sums.at[i]
                                  - 32
                                        * (scale_at(scales, i, 0) * first
                                           + scale_at(scales, i, 1) * last));
      });
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
  using five_wide_sums = plain_sums<eight<4>, Zero>;
  using four_scaled_sums = byte_scaled_sums<four>;
  using four_scaled_wide_sums = byte_scaled_sums<eight<1>>;
  using five_scaled_sums = byte_scaled_sums<five>;
  using five_scaled_wide_sums = byte_scaled_sums<eight<4>>;
  using six_sums = scaled_sums<six>;
  using six_wide_sums = scaled_sums<eight<4>>;

  struct bf16 {
    static constexpr auto format = packed_format::bf16;
    static constexpr bool is_quantized = false;
    static constexpr tile_limits limits{1, 2};
    static constexpr std::size_t blocks_of(std::size_t) {
      return 1;
    }
    static constexpr std::size_t step_bytes = 64;
    static constexpr std::size_t parts = 2;
    static constexpr std::size_t part_words = 1;
    using sum = vector;
    using weight = vector;
    using input = vector;
    template <std::size_t Part>
    static weight load(const std::byte* from, std::size_t, const std::byte*) {
      return make<float>([=](std::size_t i) {
        return to_float(word_at<bfloat16>(from + 4 * i + 2 * Part));
      });
    }
    static input spread(const std::byte* words, std::size_t) {
      return portable_packed_lanes::spread(words);
    }
    static sum add(const sum& sums, const weight& w, const input& x) {
      return fma(w, x, sums);
    }
  };
};

} // namespace

extern const packed_kernels portable_packed;
constinit const packed_kernels portable_packed =
    packed_loops<portable_packed_lanes>::table("portable");

} // namespace model_server
