// Tests what packed matrices are worth, and how they lie in memory.
#include "models/kernels/group_scale.hpp"
#include "models/kernels/packed_matrix.hpp"
#include "models/weights/half_floats.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

using namespace model_server;

namespace {

std::mt19937 random_source{5};

std::vector<float> random_floats(std::size_t count, float spread = 1.0f) {
  std::normal_distribution<float> normal{0.0f, spread};
  std::vector<float> result(count);
  for (auto& x : result)
    x = normal(random_source);
  return result;
}

std::vector<std::byte> pack(const matrix_view& from, packed_format format) {
  std::vector<std::byte> result(packed_bytes(format, from.rows, from.columns));
  pack_blocks(from, format, result.data(), 0, packed_blocks(from.rows));
  return result;
}

float worth(const scaled_group& group, std::size_t i) {
  return to_float(group.scale) * static_cast<float>(group.numbers[i]);
}

double squared_error(const float* x, const scaled_group& group) {
  double sum = 0.0;
  for (std::size_t i = 0; i < packed_group; ++i)
    sum += std::pow(double{worth(group, i)} - x[i], 2);
  return sum;
}

// As llama.cpp writes Q4_0.
scaled_group plain_int4(const float* x) {
  auto most = *std::max_element(x, x + packed_group, [](float a, float b) {
    return std::fabs(a) < std::fabs(b);
  });
  auto step = most / -8.0f;
  scaled_group result;
  result.scale = to_float16(step);
  for (std::size_t i = 0; i < packed_group; ++i)
    result.numbers[i] =
        std::min(15, static_cast<int>(x[i] * (1.0f / step) + 8.5f)) - 8;
  return result;
}

// As llama.cpp writes Q8_0.
scaled_group plain_int8(const float* x) {
  auto most = 0.0f;
  for (std::size_t i = 0; i < packed_group; ++i)
    most = std::max(most, std::fabs(x[i]));
  scaled_group result;
  result.scale = to_float16(most / 127.0f);
  for (std::size_t i = 0; i < packed_group; ++i)
    result.numbers[i] =
        static_cast<int>(std::round(x[i] * (1.0f / (most / 127.0f))));
  return result;
}

constexpr packed_format formats[] = {packed_format::int8, packed_format::int4,
                                     packed_format::bf16};

} // namespace

TEST(packed_matrix_test, int8_is_within_half_a_step) {
  for (auto spread : {1e-30f, 1e-7f, 1e-4f, 0.02f, 1.0f, 1e4f, 1e6f})
    for (int i = 0; i < 200; ++i) {
      auto x = random_floats(packed_group, spread);
      auto group = to_int8_group(x.data());
      auto step = to_float(group.scale);
      for (std::size_t j = 0; j < packed_group; ++j) {
        EXPECT_LE(std::abs(group.numbers[j]), 127);
        ASSERT_LE(std::fabs(worth(group, j) - x[j]),
                  0.50001f * step + (step == 0.0f ? 0x1p-18f : 0.0f));
      }
    }
}

TEST(packed_matrix_test, int8_is_no_worse_than_plain_rounding) {
  double ours = 0.0, plain = 0.0;
  for (int i = 0; i < 2000; ++i) {
    auto x = random_floats(packed_group, 0.02f);
    ours += squared_error(x.data(), to_int8_group(x.data()));
    plain += squared_error(x.data(), plain_int8(x.data()));
  }
  EXPECT_LE(ours, plain);
}

TEST(packed_matrix_test, int4_is_never_worse_than_plain_rounding) {
  double ours = 0.0, plain = 0.0;
  for (auto spread : {1e-4f, 0.02f, 1.0f, 1e4f})
    for (int i = 0; i < 1000; ++i) {
      auto x = random_floats(packed_group, spread);
      auto group = to_int4_group(x.data());
      auto own = squared_error(x.data(), group);
      auto other = squared_error(x.data(), plain_int4(x.data()));
      ASSERT_LE(own, other * 1.0001);
      ours += own / (spread * spread);
      plain += other / (spread * spread);
      for (auto number : group.numbers) {
        EXPECT_GE(number, -8);
        EXPECT_LE(number, 7);
      }
    }
  EXPECT_LT(ours, 0.9 * plain) << "the search is worth its time";
}

TEST(packed_matrix_test, numbers_that_fit_are_kept_exactly) {
  float x[packed_group];
  for (std::size_t i = 0; i < packed_group; ++i)
    x[i] = 0.25f * static_cast<float>(static_cast<int>(i % 16) - 8);
  auto four = to_int4_group(x);
  for (std::size_t i = 0; i < packed_group; ++i)
    EXPECT_EQ(worth(four, i), x[i]);
  float zeros[packed_group] = {};
  for (auto& group : {to_int4_group(zeros), to_int8_group(zeros)})
    EXPECT_EQ(squared_error(zeros, group), 0.0);
}

TEST(packed_matrix_test, a_group_that_cannot_be_written_is_none) {
  for (auto bad : {std::numeric_limits<float>::quiet_NaN(),
                   std::numeric_limits<float>::infinity(), 1e30f}) {
    auto x = random_floats(packed_group);
    x[7] = bad;
    EXPECT_TRUE(std::isnan(to_float(to_int8_group(x.data()).scale)));
    EXPECT_TRUE(std::isnan(to_float(to_int4_group(x.data()).scale)));
  }
}

TEST(packed_matrix_test, rows_come_back_for_all_shapes) {
  for (std::size_t rows : {1u, 15u, 16u, 17u, 48u})
    for (std::size_t columns : {1u, 2u, 31u, 32u, 33u, 63u, 64u, 77u, 100u}) {
      auto floats = random_floats(rows * columns);
      matrix_view view{number_format::f32, floats.data(), rows, columns};
      for (auto format : formats) {
        auto bytes = pack(view, format);
        packed_view packed{format, bytes.data(), rows, columns};
        std::vector<float> row(columns);
        for (std::size_t r = 0; r < rows; ++r) {
          unpack_row(packed, r, row.data());
          for (std::size_t i = 0; i < columns; ++i) {
            auto x = floats[r * columns + i];
            if (format == packed_format::bf16)
              ASSERT_EQ(row[i], to_float(to_bfloat16(x)));
            else
              ASSERT_NEAR(row[i], x,
                          format == packed_format::int8 ? 0.02 : 0.5);
          }
        }
      }
    }
}

TEST(packed_matrix_test, halves_are_packed_like_the_floats_they_are) {
  std::size_t rows = 20, columns = 70;
  for (auto from : {number_format::bf16, number_format::f16}) {
    auto floats = random_floats(rows * columns);
    std::vector<std::uint16_t> halves;
    for (auto& x : floats)
      if (from == number_format::bf16) {
        halves.push_back(to_bfloat16(x).bits);
        x = to_float(bfloat16{halves.back()});
      } else {
        halves.push_back(to_float16(x).bits);
        x = to_float(float16{halves.back()});
      }
    for (auto format : formats)
      EXPECT_EQ(
          pack({from, halves.data(), rows, columns}, format),
          pack({number_format::f32, floats.data(), rows, columns}, format));
  }
}

TEST(packed_matrix_test, blocks_may_be_packed_in_any_order) {
  std::size_t rows = 61, columns = 45;
  auto floats = random_floats(rows * columns);
  matrix_view view{number_format::f32, floats.data(), rows, columns};
  for (auto format : formats) {
    std::vector<std::byte> pieces(packed_bytes(format, rows, columns),
                                  std::byte{0xEE});
    for (auto block : {2u, 0u, 3u, 1u})
      pack_blocks(view, format, pieces.data(), block, block + 1);
    EXPECT_EQ(pieces, pack(view, format));
  }
}

// The format of files: a change of it must be noticed.
TEST(packed_matrix_test, the_bytes_are_the_ones_described) {
  std::vector<float> floats(33);
  for (std::size_t i = 0; i < 33; ++i)
    floats[i] = static_cast<float>(i) - 16.0f;
  floats[0] = -127.0f;
  matrix_view view{number_format::f32, floats.data(), 1, 33};
  auto eight = pack(view, packed_format::int8);
  ASSERT_EQ(eight.size(), 2 * 512 + 64u);
  EXPECT_EQ(eight[0], std::byte{1});                // -127
  EXPECT_EQ(eight[1], std::byte{128 - 15});         // column 1
  EXPECT_EQ(eight[4], std::byte{128});              // output 1, which is none
  EXPECT_EQ(eight[64], std::byte{128 - 12});        // column 4
  EXPECT_EQ(eight[512], std::byte{128 + 127});      // column 32
  EXPECT_EQ(eight[1024 + 1], std::byte{0x3C});      // the scale 1 is 0x3C00
  EXPECT_EQ(eight[1024 + 32 + 1], std::byte{0x30}); // about 16 / 127
  for (std::size_t i = 0; i < 33; ++i)
    floats[i] = static_cast<float>(i % 16) - 8.0f;
  auto four = pack(view, packed_format::int4);
  ASSERT_EQ(four.size(), 2 * 256 + 64u);
  EXPECT_EQ(four[0], std::byte{0x40});  // columns 0 and 4
  EXPECT_EQ(four[3], std::byte{0x73});  // columns 3 and 7
  EXPECT_EQ(four[4], std::byte{0x88});  // output 1, which is none
  EXPECT_EQ(four[64], std::byte{0xC8}); // columns 8 and 12
  EXPECT_EQ(four[512 + 1], std::byte{0x3C});
  auto halves = pack(view, packed_format::bf16);
  ASSERT_EQ(halves.size(), 17 * 64u);
  EXPECT_EQ(halves[1], std::byte{0xC1}); // -8 is 0xC100
  EXPECT_EQ(halves[3], std::byte{0xC0}); // -7 is 0xC0E0
  EXPECT_EQ(halves[2], std::byte{0xE0});
  EXPECT_EQ(halves[16 * 64 + 1], std::byte{0xC1});
}
