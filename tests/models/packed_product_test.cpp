// Tests the loops for packed matrices: one result in every form, batch and cut.
#include "models/kernels/fused.hpp"
#include "models/kernels/packed_product.hpp"
#include "models/kernels/packed_repack.hpp"
#include "models/weights/half_floats.hpp"
#include "random_blocks.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <stdexcept>
#include <vector>

using namespace model_server;
using namespace model_server::testing;

namespace {

std::mt19937 random_source{29};

std::size_t random_number(std::size_t least, std::size_t most) {
  return std::uniform_int_distribution<std::size_t>{least, most}(random_source);
}

std::vector<float> random_floats(std::size_t count, float spread = 1.0f) {
  std::normal_distribution<float> normal{0.0f, spread};
  std::vector<float> result(count);
  for (auto& x : result)
    x = normal(random_source);
  return result;
}

struct named_format {
  packed_format format;
  const char* name;
};

constexpr named_format formats[] = {
    {packed_format::int8, "int8"}, {packed_format::int4, "int4"},
    {packed_format::bf16, "bf16"}, {packed_format::q4_k, "q4_k"},
    {packed_format::q6_k, "q6_k"}, {packed_format::q5_k, "q5_k"},
    {packed_format::q5_0, "q5_0"}, {packed_format::q4_1, "q4_1"},
    {packed_format::q5_1, "q5_1"}, {packed_format::iq4_nl, "iq4_nl"}};

std::vector<float> unpacked(const packed_view& view) {
  std::vector<float> result(view.rows * view.columns);
  for (std::size_t r = 0; r < view.rows; ++r)
    unpack_row(view, r, result.data() + r * view.columns);
  return result;
}

// A random matrix, packed; ends where its memory ends. What is packed from
// quantized blocks has a multiple of their numbers as columns.
struct packed_matrix {
  packed_view view;
  std::vector<float> floats; // what it is worth
  std::vector<float> sizes;  // the sizes of the two parts of that
  std::unique_ptr<void, void (*)(void*)> memory{nullptr, std::free};

  packed_matrix(packed_format format, std::size_t rows, std::size_t columns,
                float spread = 1.0f) {
    if (can_pack(format)) {
      auto from = random_floats(rows * columns, spread);
      auto data = reserve(format, rows, columns);
      pack_blocks({number_format::f32, from.data(), rows, columns}, format,
                  data, 0, packed_blocks(rows));
      measure();
      return;
    }
    for (auto type : ggml_types)
      if (auto layout = layout_of(type); layout.packed == format) {
        auto least = layout.numbers;
        columns = (columns + least - 1) / least * least;
        // In q6_k 32 * 64, in the others fewer.
        *this = packed_matrix{
            type,
            random_blocks(type, rows, columns, spread / 1024, random_source),
            rows, columns};
      }
  }

  packed_matrix(ggml_block type, const std::vector<std::byte>& blocks,
                std::size_t rows, std::size_t columns) {
    auto data = reserve(layout_of(type).packed, rows, columns);
    repack_blocks(type, blocks.data(), rows, columns, data, 0,
                  packed_blocks(rows));
    measure();
  }

private:
  std::byte* reserve(packed_format format, std::size_t rows,
                     std::size_t columns) {
    auto bytes = packed_bytes(format, rows, columns);
    memory.reset(std::aligned_alloc(packed_alignment, bytes));
    auto data = static_cast<std::byte*>(memory.get());
    view = {format, data, rows, columns};
    return data;
  }

  void measure() {
    floats = unpacked(view);
    // With all numbers written as 0 the other part is left.
    auto block = packed_block_bytes(view.format, view.columns);
    auto numbers = packed_scales_offset(view.format, view.columns);
    std::vector<std::byte> others(view.data,
                                  view.data + packed_blocks(view.rows) * block);
    for (std::size_t i = 0; i < others.size(); i += block)
      std::fill_n(others.begin() + static_cast<std::ptrdiff_t>(i), numbers,
                  std::byte{0});
    sizes = unpacked({view.format, others.data(), view.rows, view.columns});
    for (std::size_t i = 0; i < sizes.size(); ++i)
      sizes[i] = std::fabs(floats[i] - sizes[i]) + std::fabs(sizes[i]);
  }
};

// What stands beside the results and must stay.
constexpr float untouched = 77.0f;

// A product as one task, or in random ranges and rows of input in two halves.
std::vector<float> multiply(const packed_kernels& kernels,
                            const packed_view& weight,
                            const std::vector<float>& x, std::size_t rows,
                            const float* bias = nullptr,
                            const std::vector<float>* before = nullptr,
                            bool cuts = false) {
  auto stride = weight.rows + 5;
  std::vector<float> y(rows * stride, untouched);
  if (before != nullptr)
    y = *before;
  packed_input input;
  input.reset(kernels, weight.format, rows, weight.columns);
  auto half = cuts ? random_number(0, rows) : rows;
  kernels.prepare(x.data(), weight.columns, input, half, rows);
  kernels.prepare(x.data(), weight.columns, input, 0, half);
  packed_product task{weight,   bias,   &input,
                      y.data(), stride, before != nullptr};
  auto blocks = packed_blocks(weight.rows);
  if (!cuts)
    kernels.multiply(task, 0, blocks);
  for (std::size_t i = 0; cuts && i < blocks;) {
    auto end = random_number(i + 1, blocks);
    kernels.multiply(task, i, end);
    i = end;
  }
  return y;
}

template <class Number>
void expect_same_bits(const std::vector<Number>& a,
                      const std::vector<Number>& b, const char* what) {
  ASSERT_EQ(a.size(), b.size());
  EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size() * sizeof(Number)), 0)
      << what;
}

const packed_kernels& plain() {
  return *usable_kernels().back()->packed;
}

// What one row is worth as the products take it.
std::vector<double> prepared(const packed_kernels& kernels, const float* x,
                             std::size_t columns) {
  packed_input input;
  input.reset(kernels, packed_format::int8, 1, columns);
  kernels.prepare(x, columns, input, 0, 1);
  std::vector<double> result(columns);
  for (std::size_t k = 0; k < columns; ++k) {
    auto step =
        input.tile(0) + k / packed_group * packed_input::quantized_step_bytes;
    auto scale = 0.0f;
    std::memcpy(&scale,
                input_facts{step + packed_group, 4}.at(input_fact::scale), 4);
    result[k] =
        double{scale} * std::to_integer<std::int8_t>(step[k % packed_group]);
  }
  return result;
}

// What the input is worth when it has been rounded.
std::vector<double> rounded(const std::vector<float>& x, std::size_t columns,
                            bool is_quantized) {
  std::vector<double> result(x.begin(), x.end());
  if (!is_quantized)
    return result;
  for (std::size_t row = 0; row < x.size(); row += columns) {
    auto worth = prepared(plain(), x.data() + row, columns);
    std::copy(worth.begin(), worth.end(),
              result.begin() + static_cast<std::ptrdiff_t>(row));
  }
  return result;
}

class packed_product_test : public ::testing::TestWithParam<const kernel_set*> {
protected:
  const packed_kernels& kernels = *GetParam()->packed;
};

INSTANTIATE_TEST_SUITE_P(forms, packed_product_test,
                         ::testing::ValuesIn(usable_kernels().begin(),
                                             usable_kernels().end()),
                         [](auto& of) { return std::string{of.param->name}; });

} // namespace

TEST_P(packed_product_test, products_are_right_for_all_sizes) {
  for (auto [format, name] : formats)
    for (std::size_t least_columns : {1u, 31u, 32u, 33u, 64u, 101u, 576u})
      for (std::size_t outputs : {1u, 16u, 29u, 80u})
        for (std::size_t rows : {1u, 2u, 3u, 4u, 5u, 7u, 8u, 9u, 19u}) {
          packed_matrix weight{format, outputs, least_columns};
          auto columns = weight.view.columns;
          auto x = random_floats(rows * columns);
          auto y = multiply(kernels, weight.view, x, rows);
          auto worth = rounded(x, columns, is_quantized(format));
          for (std::size_t r = 0; r < rows; ++r)
            for (std::size_t o = 0; o < outputs; ++o) {
              double expected = 0.0, size = 0.0;
              for (std::size_t k = 0; k < columns; ++k) {
                auto at = o * columns + k;
                expected += worth[r * columns + k] * double{weight.floats[at]};
                size += std::fabs(worth[r * columns + k]) * weight.sizes[at];
              }
              ASSERT_NEAR(y[r * (outputs + 5) + o], expected, 1e-6 * size)
                  << name << " " << outputs << "x" << columns << ", " << rows
                  << " rows";
            }
        }
}

// The input of a group: no number farther off than half of the coarsest step
// and what the scale is moved for the sake of all, and the whole nearer than
// with the scale that reaches the largest number.
TEST(packed_input_test, groups_are_rounded_to_the_nearest_of_some_scales) {
  std::size_t groups = 4000, columns = groups * packed_group;
  auto x = random_floats(columns, 3.0f);
  auto worth = prepared(plain(), x.data(), columns);
  auto ours = 0.0, simple = 0.0;
  for (std::size_t begin = 0; begin < columns; begin += packed_group) {
    auto most = 0.0;
    for (auto i = begin; i < begin + packed_group; ++i)
      most = std::max(most, std::fabs(double{x[i]}));
    auto step = most / 127.0, error = 0.0, plain_error = 0.0;
    for (auto i = begin; i < begin + packed_group; ++i) {
      ASSERT_LT(std::fabs(worth[i] - x[i]), 0.7 * most / 120.0);
      error += std::pow(worth[i] - x[i], 2);
      plain_error += std::pow(std::nearbyint(x[i] / step) * step - x[i], 2);
    }
    EXPECT_LE(error, 1.01 * plain_error);
    ours += error;
    simple += plain_error;
  }
  EXPECT_LT(std::sqrt(ours), 0.9 * std::sqrt(simple));
}

TEST(packed_input_test, numbers_that_fit_are_kept_exactly) {
  std::vector<float> x(packed_group);
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] = 0.5f * static_cast<float>(static_cast<int>(8 * i) - 127);
  auto worth = prepared(plain(), x.data(), x.size());
  for (std::size_t i = 0; i < x.size(); ++i)
    EXPECT_NEAR(worth[i], x[i], 1e-6 * std::fabs(x[i]));
}

// Where rounding is a tie, a number stands out or is at the end of what floats
// hold, and where a group is short.
TEST_P(packed_product_test, all_forms_round_hard_inputs_to_the_same_bits) {
  auto largest = std::numeric_limits<float>::max();
  for (auto unit : {1.0f, 0.5f, 0.25f, 0x1p-100f, 0x1p-101f, 0x1p-140f,
                    largest / 128, 3.0f * 0x1p-20f})
    for (std::size_t count = 1; count <= packed_group; ++count)
      for (int i = 0; i < 40; ++i) {
        std::vector<float> x(count);
        for (auto& each : x)
          each = unit * static_cast<float>(random_number(0, 254)) - 127 * unit;
        if (i % 4 == 0)
          x[random_number(0, count - 1)] = 127 * unit;
        if (i % 8 == 1)
          x[random_number(0, count - 1)] = largest;
        expect_same_bits(prepared(kernels, x.data(), count),
                         prepared(plain(), x.data(), count), "prepared");
      }
}

TEST_P(packed_product_test, all_forms_and_cuts_have_the_same_bits) {
  for (int i = 0; i < 400; ++i) {
    auto [format, name] =
        formats[static_cast<std::size_t>(i) % std::size(formats)];
    auto rows = i < 350 ? random_number(1, 40) : random_number(100, 512);
    auto outputs = random_number(1, i < 350 ? 300 : 90);
    packed_matrix weight{format, outputs,
                         random_number(1, i < 200 ? 200 : 700)};
    auto columns = weight.view.columns;
    auto x = random_floats(rows * columns);
    auto bias = random_floats(outputs);
    auto before = random_floats(rows * (outputs + 5));
    auto expected =
        multiply(plain(), weight.view, x, rows, bias.data(), &before);
    SCOPED_TRACE(name);
    expect_same_bits(
        multiply(kernels, weight.view, x, rows, bias.data(), &before), expected,
        "as a whole");
    expect_same_bits(
        multiply(kernels, weight.view, x, rows, bias.data(), &before, true),
        expected, "in pieces");
  }
}

TEST_P(packed_product_test, long_rows_have_the_same_bits) {
  for (auto [format, name] : formats)
    for (std::size_t rows : {1u, 4u, 8u, 30u}) {
      packed_matrix weight{format, 100, 4864}; // a multiple of 256
      auto x = random_floats(rows * 4864);
      expect_same_bits(multiply(kernels, weight.view, x, rows),
                       multiply(plain(), weight.view, x, rows), name);
    }
}

TEST_P(packed_product_test, a_row_is_the_same_alone_and_in_any_batch) {
  std::size_t outputs = 90;
  for (auto [format, name] : formats) {
    packed_matrix weight{format, outputs, 333};
    auto columns = weight.view.columns;
    for (std::size_t rows : {2u, 3u, 5u, 6u, 8u, 9u, 13u, 14u, 37u, 128u}) {
      auto x = random_floats(rows * columns);
      auto together = multiply(kernels, weight.view, x, rows);
      for (std::size_t r = 0; r < rows; ++r) {
        auto begin = x.begin() + static_cast<std::ptrdiff_t>(r * columns);
        auto alone =
            multiply(kernels, weight.view,
                     {begin, begin + static_cast<std::ptrdiff_t>(columns)}, 1);
        ASSERT_EQ(std::memcmp(alone.data(), together.data() + r * (outputs + 5),
                              (outputs + 5) * sizeof(float)),
                  0)
            << name << ", row " << r << " of " << rows;
      }
    }
  }
}

TEST_P(packed_product_test, a_poisoned_row_spoils_only_itself) {
  std::size_t outputs = 50;
  for (auto [format, name] : formats)
    for (auto poison : {std::numeric_limits<float>::quiet_NaN(),
                        -std::numeric_limits<float>::infinity()})
      for (std::size_t rows : {1u, 4u, 8u, 21u}) {
        packed_matrix weight{format, outputs, 77};
        auto columns = weight.view.columns;
        auto x = random_floats(rows * columns);
        auto clean = multiply(kernels, weight.view, x, rows);
        auto victim = random_number(0, rows - 1);
        x[victim * columns + random_number(0, columns - 1)] = poison;
        auto y = multiply(kernels, weight.view, x, rows);
        for (std::size_t r = 0; r < rows; ++r)
          for (std::size_t o = 0; o < outputs; ++o) {
            auto at = r * (outputs + 5) + o;
            if (r == victim)
              ASSERT_FALSE(std::isfinite(y[at])) << name;
            else
              ASSERT_EQ(y[at], clean[at]) << name;
          }
      }
}

TEST_P(packed_product_test, nothing_is_lost_with_tiny_huge_and_no_numbers) {
  for (auto [format, name] : formats) {
    packed_matrix weight{format, 16, 64};
    auto columns = weight.view.columns;
    for (auto size : {0.0f, 1e-44f, 1e-25f, 1e30f}) {
      std::vector<float> x(columns, size);
      auto y = multiply(kernels, weight.view, x, 1);
      for (std::size_t o = 0; o < 16; ++o) {
        double expected = 0.0, most = 0.0;
        for (std::size_t k = 0; k < columns; ++k) {
          expected += double{size} * weight.floats[o * columns + k];
          most += double{size} * weight.sizes[o * columns + k];
        }
        ASSERT_NEAR(y[o], expected, 1e-5 * most + 1e-30) << name;
      }
      expect_same_bits(y, multiply(plain(), weight.view, x, 1), name);
    }
  }
}

// The largest numbers of both sides at once: no sum may be cut off.
TEST_P(packed_product_test, the_largest_numbers_do_not_saturate) {
  std::size_t columns = 256;
  // Of numbers and scales all bits; or all but the sign, or only that.
  for (auto bits : {0xFF, 0x7F, 0x80})
    for (auto type : ggml_types)
      for (auto sign : {1.0f, -1.0f})
        for (std::size_t rows : {1u, 3u, 8u, 20u}) {
          auto fill = static_cast<std::byte>(bits);
          auto blocks = equal_blocks(type, 16, columns, fill, 1.0f);
          if (type == ggml_block::q6_k) // the other sign for the scales
            for (std::size_t o = 0; o < 16; ++o)
              std::fill_n(&blocks[o * 210 + 192], 16, fill ^ std::byte{0x7F});
          packed_matrix weight{type, blocks, 16, columns};
          std::vector<float> x(rows * columns, sign * 127.0f);
          auto y = multiply(kernels, weight.view, x, rows);
          auto expected = 0.0;
          for (std::size_t k = 0; k < columns; ++k)
            expected += sign * 127.0 * weight.floats[k];
          for (std::size_t r = 0; r < rows; ++r)
            for (std::size_t o = 0; o < 16; ++o)
              ASSERT_EQ(y[r * 21 + o], expected)
                  << static_cast<int>(type) << ", bits " << bits;
        }
}

TEST(fused_test, rounds_like_the_instruction) {
  std::uniform_int_distribution<std::uint32_t> bits;
  auto number = [&] {
    // Exponents around 0, so that sums meet; few digits, so that ties occur.
    auto mask = bits(random_source) % 2 == 0 ? 0xFFFFFFFFu : 0xFFFFF000u;
    auto exponent = 120 + bits(random_source) % 16;
    return std::bit_cast<float>(
        ((bits(random_source) & 0x807FFFFFu) | exponent << 23) & mask);
  };
  for (int i = 0; i < 1000000; ++i) {
    auto a = number(), b = number(), c = number();
    if (i % 3 == 0)
      c *= 0x1p-24f;
    ASSERT_EQ(fused(a, b, c), std::fma(a, b, c)) << a << " " << b << " " << c;
  }
  auto most = std::numeric_limits<float>::max();
  EXPECT_EQ(fused(most, 2.0f, 0.0f), std::fma(most, 2.0f, 0.0f));
  EXPECT_EQ(fused(most, 1.0f, -most), 0.0f);
  EXPECT_EQ(fused(0x1p-100f, 0x1p-49f, 0.0f), 0x1p-149f);
  EXPECT_TRUE(std::isnan(fused(NAN, 1.0f, 1.0f)));
  EXPECT_TRUE(std::isnan(fused(INFINITY, 0.0f, 1.0f)));
  EXPECT_EQ(fused(INFINITY, 1.0f, 1.0f), INFINITY);
}

TEST(packed_input_test, each_row_is_in_one_tile) {
  packed_kernels kernels{};
  kernels.quantized_tiles = {8, 6};
  for (std::size_t rows = 1; rows < 200; ++rows) {
    packed_input input;
    input.reset(kernels, packed_format::int4, rows, 40);
    EXPECT_EQ(input.steps(), 2u);
    EXPECT_EQ(input.tiles(), rows <= 8 ? 1 : (rows + 5) / 6);
    for (std::size_t row = 0; row < rows; ++row) {
      auto tile = input.tile_of(row);
      ASSERT_LE(input.first_row(tile), row);
      ASSERT_GT(input.first_row(tile + 1), row);
    }
  }
}

TEST(packed_task_test, tasks_share_out_all_blocks_evenly) {
  for (std::size_t outputs : {1u, 64u, 576u, 49152u})
    for (std::size_t rows : {1u, 8u, 512u})
      for (int threads : {1, 2, 3, 8}) {
        packed_view weight{packed_format::int8, nullptr, outputs, 576};
        auto tasks = tasks_of(weight, rows, threads);
        auto blocks = packed_blocks(outputs);
        ASSERT_GE(tasks, 1u);
        EXPECT_EQ(first_block(weight, 0, tasks), 0u);
        EXPECT_EQ(first_block(weight, tasks, tasks), blocks);
        for (std::size_t i = 0; i < tasks; ++i) {
          auto size =
              first_block(weight, i + 1, tasks) - first_block(weight, i, tasks);
          EXPECT_GE(size, blocks / tasks);
          EXPECT_LE(size, blocks / tasks + 1);
        }
      }
}
