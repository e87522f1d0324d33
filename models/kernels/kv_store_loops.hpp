// How keys and values get into the cache, written once for any vector of 16
// floats.
#pragma once

#include "models/kernels/attention.hpp"
#include "models/weights/half_floats.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

// Included by loops_*.cpp as loops.hpp is.

namespace model_server {

/// `Lanes` as for `loops`.
template <class Lanes>
struct kv_store_loops {
  using vector = typename Lanes::vector;
  static constexpr std::size_t lanes = 16;

  // 16 numbers of a head, or zeros behind its last.
  static inline vector some_of(const float* x, std::size_t i,
                               std::size_t head) {
    return i + lanes <= head ? Lanes::load(x + i)
                             : Lanes::load_some(x + i, head - i);
  }

  // Puts f(i), 16 numbers from the i-th on, where they belong.
  template <class Number, class F>
  static inline void store_key(const kv_place& place, std::byte* block,
                               std::size_t slot, F f) {
    auto keys = reinterpret_cast<Number*>(block + place.keys) + slot;
    for (std::size_t i = 0; i < place.head; i += lanes) {
      Number rounded[lanes];
      Lanes::store(rounded, f(i));
      for (std::size_t j = i; j < std::min(i + lanes, place.head); ++j)
        keys[j * lanes] = rounded[j - i];
    }
  }

  template <class Number, class F>
  static inline void store_value(const kv_place& place, std::byte* block,
                                 std::size_t slot, F f) {
    auto values =
        reinterpret_cast<Number*>(block + place.values) + slot * lanes;
    for (std::size_t i = 0; i < place.head; i += lanes)
      Lanes::store(values + i * kv_block_tokens, f(i));
  }

  template <class Number>
  static void store_as(const kv_place& place, const float* key,
                       const float* value, std::byte* block, std::size_t slot) {
    store_key<Number>(place, block, slot, [&](std::size_t i) {
      return some_of(key, i, place.head);
    });
    store_value<Number>(place, block, slot, [&](std::size_t i) {
      return some_of(value, i, place.head);
    });
  }

  // What a unit of x is worth; not finite if some of x is not.
  static inline float16 unit_of(const float* x, std::size_t head) {
    auto most = Lanes::zero();
    auto poison = Lanes::zero();
    for (std::size_t i = 0; i < head; i += lanes) {
      auto some = some_of(x, i, head);
      auto size = Lanes::subtract(Lanes::zero(), Lanes::negative_size(some));
      most = Lanes::larger(most, size);
      poison = Lanes::fma(some, Lanes::zero(), poison);
    }
    return to_float16(Lanes::largest(most) / 127.0f + Lanes::sum(poison));
  }

  // x in units, between -127 and 127; zeros if a unit is 0 or not finite.
  static inline vector count_units(vector x, float unit) {
    if (!(unit > 0.0f && unit <= std::numeric_limits<float>::max()))
      return Lanes::zero();
    auto limit = Lanes::spread(-127.0f);
    auto units = Lanes::divide(x, Lanes::spread(unit));
    auto minus = Lanes::subtract(Lanes::zero(), Lanes::larger(units, limit));
    return Lanes::subtract(Lanes::zero(), Lanes::larger(minus, limit));
  }

  static void store_units(const kv_place& place, const float* key,
                          const float* value, std::byte* block,
                          std::size_t slot) {
    auto key_unit = unit_of(key, place.head);
    auto value_unit = unit_of(value, place.head);
    reinterpret_cast<float16*>(block + place.key_units())[slot] = key_unit;
    reinterpret_cast<float16*>(block + place.value_units())[slot] = value_unit;
    store_key<std::int8_t>(place, block, slot, [&](std::size_t i) {
      return count_units(some_of(key, i, place.head), to_float(key_unit));
    });
    store_value<std::int8_t>(place, block, slot, [&](std::size_t i) {
      return count_units(some_of(value, i, place.head), to_float(value_unit));
    });
  }

  static void store(const kv_place& place, const float* key, const float* value,
                    std::byte* block, std::size_t slot) {
    if (place.format == number_format::i8)
      store_units(place, key, value, block, slot);
    else if (place.format == number_format::f16)
      store_as<float16>(place, key, value, block, slot);
    else
      store_as<float>(place, key, value, block, slot);
  }
};

} // namespace model_server
