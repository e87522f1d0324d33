// The loops for packed matrices in plain C++: the fallback for every processor.
#include "models/kernels/fused.hpp"
#include "models/kernels/packed_loops.hpp"
#include "models/weights/half_floats.hpp"

#include <bit>
#include <cmath>

namespace model_server {

namespace {

struct portable_packed_lanes {
  template <class Number>
  struct sixteen {
    Number at[16];
  };
  using vector = sixteen<float>;

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
  static void store_line(std::byte* to, const std::byte* from) {
    std::memcpy(to, from, 64);
  }

  static float largest_size(const vector& a, const vector& b) {
    std::uint32_t largest = 0;
    for (std::size_t i = 0; i < 16; ++i)
      for (auto x : {a.at[i], b.at[i]})
        largest =
            std::max(largest, std::bit_cast<std::uint32_t>(x) & 0x7FFFFFFFu);
    return std::bit_cast<float>(largest);
  }
  static std::int32_t round(const vector& a, const vector& b, float factor,
                            std::int8_t* bytes) {
    // Adding a large number rounds to the nearest integer, ties to even.
    constexpr auto large = 0x1.8p23f;
    std::int32_t sum = 0;
    for (std::size_t i = 0; i < packed_group; ++i) {
      auto x = (i < 16 ? a.at[i] : b.at[i - 16]) * factor;
      bytes[i] = static_cast<std::int8_t>((x + large) - large);
      sum += bytes[i];
    }
    return sum;
  }

  struct quantized {
    static constexpr bool is_quantized = true;
    static constexpr tile_limits limits{1, 2};
    static constexpr std::size_t blocks_of(std::size_t) {
      return 1;
    }
    using sum = sixteen<std::int32_t>;
    using input = const std::byte*;
    static sum begin(const std::byte* offset) {
      auto x = word_at<std::int32_t>(offset);
      return make<std::int32_t>([=](std::size_t) { return x; });
    }
    static input spread(const std::byte* words) {
      return words;
    }
    static vector end(const sum& sums, const std::byte*) {
      return make<float>(
          [&](std::size_t i) { return static_cast<float>(sums.at[i]); });
    }
    // `number(byte)` is the weight in a byte of the line.
    template <class F>
    static sum add_numbers(const sum& sums, input x, F number) {
      std::int32_t four[4];
      for (std::size_t j = 0; j < 4; ++j)
        four[j] = std::to_integer<std::int8_t>(x[j]);
      return make<std::int32_t>([&](std::size_t i) {
        return sums.at[i] + number(4 * i) * four[0]
               + number(4 * i + 1) * four[1] + number(4 * i + 2) * four[2]
               + number(4 * i + 3) * four[3];
      });
    }
  };

  struct int8 : quantized {
    static constexpr auto format = packed_format::int8;
    static constexpr std::size_t offset_kind = 0;
    static constexpr std::size_t parts = 1;
    using weight = const std::byte*;
    template <std::size_t>
    static weight load(const std::byte* from) {
      return from;
    }
    static sum add(const sum& sums, weight w, input x) {
      return add_numbers(sums, x, [=](std::size_t i) {
        return std::to_integer<std::int32_t>(w[i]);
      });
    }
  };

  struct int4 : quantized {
    static constexpr auto format = packed_format::int4;
    static constexpr std::size_t offset_kind = 1;
    static constexpr std::size_t parts = 2;
    struct weight {
      const std::byte* line;
      int shift;
    };
    template <std::size_t Part>
    static weight load(const std::byte* from) {
      return {from, Part == 0 ? 0 : 4};
    }
    static sum add(const sum& sums, weight w, input x) {
      return add_numbers(sums, x, [=](std::size_t i) {
        return (std::to_integer<std::int32_t>(w.line[i]) >> w.shift) & 15;
      });
    }
  };

  using int4_bytes = int4;

  struct bf16 {
    static constexpr auto format = packed_format::bf16;
    static constexpr bool is_quantized = false;
    static constexpr tile_limits limits{1, 2};
    static constexpr std::size_t blocks_of(std::size_t) {
      return 1;
    }
    static constexpr std::size_t parts = 2;
    using sum = vector;
    using weight = vector;
    using input = vector;
    template <std::size_t Part>
    static weight load(const std::byte* from) {
      return make<float>([=](std::size_t i) {
        return to_float(word_at<bfloat16>(from + 4 * i + 2 * Part));
      });
    }
    static input spread(const std::byte* words) {
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
