// What the formats of packed matrices are made of: bits and scales.
#pragma once

#include "models/kernels/packed_matrix.hpp"

#include <cstddef>

// Included by packed_*.cpp as loops.hpp is by loops_*.cpp.

namespace model_server {

/// What an integer of a group is worth: `scale` for each of 16 outputs, and
/// `base` beside it where there is one. With scales of 8 groups the integers
/// have been multiplied with what a group has of its own, and a base is without
/// that of 8 groups. See packed_loops.hpp for `Lanes`.
template <class Lanes>
struct packed_scales {
  using vector = typename Lanes::vector;

  struct of_groups {
    static constexpr bool has_supers = false;
    static constexpr bool has_base = false;
    static vector scale(const std::byte* scales) {
      return Lanes::load_halves(scales);
    }
  };

  struct with_bases : of_groups {
    static constexpr bool has_base = true;
    static vector base(const std::byte* scales) {
      return Lanes::load_halves(scales + 2 * packed_block_rows);
    }
  };

  struct of_supers {
    static constexpr bool has_supers = true;
    static constexpr bool has_base = false;
  };

  struct of_supers_with_bases {
    static constexpr bool has_supers = true;
    static constexpr bool has_base = true;
    static vector base(const std::byte* scales) {
      return Lanes::load_bytes(scales + packed_block_rows);
    }
  };
};

/// What the loops for a format take.
template <packed_format Format, class Sums, class Scales>
struct packed_numbers_of : Sums, Scales {
  static constexpr auto format = Format;
};

/// All formats, as they lie in memory and with each number in a byte of its
/// own (`..._wide`). The number behind sums is what a number of 0 is written
/// as.
template <class Lanes>
struct packed_formats {
  using scales = packed_scales<Lanes>;
  template <packed_format Format, class Sums,
            class Scales = typename scales::of_groups>
  using of = packed_numbers_of<Format, Sums, Scales>;
  using with_bases = typename scales::with_bases;
  using supers = typename scales::of_supers;
  using supers_with_bases = typename scales::of_supers_with_bases;
  template <int Zero>
  using four = typename Lanes::template four_sums<Zero>;
  template <int Zero>
  using four_wide = typename Lanes::template four_wide_sums<Zero>;
  template <int Zero>
  using five = typename Lanes::template five_sums<Zero>;
  template <int Zero>
  using five_wide = typename Lanes::template five_wide_sums<Zero>;
  using four_scaled = typename Lanes::four_scaled_sums;
  using four_scaled_wide = typename Lanes::four_scaled_wide_sums;
  using five_scaled = typename Lanes::five_scaled_sums;
  using five_scaled_wide = typename Lanes::five_scaled_wide_sums;
  using six = typename Lanes::six_sums;
  using six_wide = typename Lanes::six_wide_sums;

  using int8 = of<packed_format::int8, typename Lanes::eight_sums>;
  using int8_wide = int8;
  using bf16 = typename Lanes::bf16;
  using bf16_wide = bf16;
  using int4 = of<packed_format::int4, four<8>>;
  using int4_wide = of<packed_format::int4, four_wide<8>>;
  using iq4_nl = of<packed_format::iq4_nl, typename Lanes::table_sums>;
  using iq4_nl_wide = int8;
  using q4_1 = of<packed_format::q4_1, four<0>, with_bases>;
  using q4_1_wide = of<packed_format::q4_1, four_wide<0>, with_bases>;
  using q4_k = of<packed_format::q4_k, four_scaled, supers_with_bases>;
  using q4_k_wide =
      of<packed_format::q4_k, four_scaled_wide, supers_with_bases>;
  using q5_0 = of<packed_format::q5_0, five<16>>;
  using q5_0_wide = of<packed_format::q5_0, five_wide<16>>;
  using q5_1 = of<packed_format::q5_1, five<0>, with_bases>;
  using q5_1_wide = of<packed_format::q5_1, five_wide<0>, with_bases>;
  using q5_k = of<packed_format::q5_k, five_scaled, supers_with_bases>;
  using q5_k_wide =
      of<packed_format::q5_k, five_scaled_wide, supers_with_bases>;
  using q6_k = of<packed_format::q6_k, six, supers>;
  using q6_k_wide = of<packed_format::q6_k, six_wide, supers>;
};

} // namespace model_server
