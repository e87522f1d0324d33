// Tests every form of the kernels against plain sums in double precision.
#include "models/kernels/kernel_set.hpp"
#include "models/weights/half_floats.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

using namespace model_server;

namespace {

std::mt19937 random_source{17};

std::vector<float> random_floats(std::size_t count, float spread = 1.0f) {
  std::normal_distribution<float> normal{0.0f, spread};
  std::vector<float> result(count);
  for (auto& x : result)
    x = normal(random_source);
  return result;
}

// A matrix in one of the formats, and what its numbers are worth.
struct stored_matrix {
  std::vector<std::uint16_t> halves;
  std::vector<float> floats;
  matrix_view view;

  stored_matrix(number_format format, std::size_t rows, std::size_t columns)
      : floats(random_floats(rows * columns)) {
    view = {format, floats.data(), rows, columns};
    if (format == number_format::f32)
      return;
    for (auto& x : floats)
      if (format == number_format::bf16) {
        halves.push_back(to_bfloat16(x).bits);
        x = to_float(bfloat16{halves.back()});
      } else {
        halves.push_back(to_float16(x).bits);
        x = to_float(float16{halves.back()});
      }
    view.data = halves.data();
  }
};

class kernels_test : public ::testing::TestWithParam<const kernel_set*> {
protected:
  const kernel_set& kernels = *GetParam();
};

INSTANTIATE_TEST_SUITE_P(forms, kernels_test,
                         ::testing::ValuesIn(usable_kernels().begin(),
                                             usable_kernels().end()),
                         [](auto& of) { return std::string{of.param->name}; });

constexpr number_format formats[] = {number_format::f32, number_format::bf16,
                                     number_format::f16};

double sigmoid(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}

// Every kind, and what it does with a gate.
struct {
  const char* name;
  activation kind;
  double (*exactly)(double x);
} constexpr activations[] = {
    {"silu", activation::silu, [](double x) { return x * sigmoid(x); }},
    {"gelu", activation::gelu,
     [](double x) { return x * std::erfc(-x / std::sqrt(2.0)) / 2.0; }},
    {"gelu_tanh", activation::gelu_tanh,
     [](double x) {
       auto u = std::sqrt(2.0 / M_PI) * (x + 0.044715 * x * x * x);
       return x * (1.0 + std::tanh(u)) / 2.0;
     }},
    {"relu", activation::relu, [](double x) { return std::max(x, 0.0); }},
    {"relu_squared", activation::relu_squared,
     [](double x) { return x > 0.0 ? x * x : 0.0; }},
    {"quick_gelu", activation::quick_gelu,
     [](double x) { return x * sigmoid(1.702 * x); }},
    {"clamped_swiglu", activation::clamped_swiglu,
     [](double x) {
       auto gate = std::min(x, 7.0);
       return gate * sigmoid(1.702 * gate);
     }},
};

} // namespace

TEST_P(kernels_test, products_are_right_for_all_sizes) {
  for (auto format : formats)
    for (std::size_t columns : {1u, 15u, 16u, 17u, 40u, 64u, 101u})
      for (std::size_t outputs : {1u, 2u, 7u, 24u, 29u})
        for (std::size_t rows : {1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u, 9u, 19u}) {
          stored_matrix weight{format, outputs, columns};
          auto x = random_floats(rows * columns);
          auto bias = random_floats(outputs);
          auto stride = outputs + 3;
          auto before = random_floats(rows * stride);
          auto y = before;
          kernels.multiply({.weight = weight.view,
                            .bias = bias.data(),
                            .x = x.data(),
                            .rows = rows,
                            .y = y.data(),
                            .y_stride = stride,
                            .adds = true},
                           0, outputs);
          for (std::size_t r = 0; r < rows; ++r)
            for (std::size_t o = 0; o < stride; ++o) {
              double expected = before[r * stride + o];
              if (o < outputs) {
                expected += bias[o];
                for (std::size_t k = 0; k < columns; ++k)
                  expected += double{weight.floats[o * columns + k]}
                              * x[r * columns + k];
              }
              ASSERT_NEAR(y[r * stride + o], expected, 2e-5)
                  << to_string(format) << " " << outputs << "x" << columns
                  << ", " << rows << " rows";
            }
        }
}

TEST_P(kernels_test, a_product_has_the_same_bits_however_it_is_cut_up) {
  for (auto format : formats) {
    std::size_t outputs = 61, columns = 77, rows = 21;
    stored_matrix weight{format, outputs, columns};
    auto x = random_floats(rows * columns);
    std::vector<float> whole(rows * outputs);
    kernels.multiply({.weight = weight.view,
                      .x = x.data(),
                      .rows = rows,
                      .y = whole.data(),
                      .y_stride = outputs},
                     0, outputs);
    std::vector<float> single(rows * outputs);
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t o = 0; o < outputs; ++o)
        kernels.multiply({.weight = weight.view,
                          .x = x.data() + r * columns,
                          .rows = 1,
                          .y = single.data() + r * outputs,
                          .y_stride = outputs},
                         o, o + 1);
    EXPECT_EQ(single, whole);
  }
}

TEST_P(kernels_test, nothing_behind_the_numbers_is_read) {
  // What follows the last row and the last number is poison.
  auto nan = std::numeric_limits<float>::quiet_NaN();
  for (std::size_t columns : {3u, 16u, 21u}) {
    auto weight = random_floats(2 * columns);
    auto x = random_floats(columns);
    weight.insert(weight.end(), 16, nan);
    x.insert(x.end(), 16, nan);
    float y[2];
    kernels.multiply({.weight = {number_format::f32, weight.data(), 2, columns},
                      .x = x.data(),
                      .rows = 1,
                      .y = y,
                      .y_stride = 2},
                     0, 2);
    EXPECT_TRUE(std::isfinite(y[0]) && std::isfinite(y[1])) << columns;
  }
}

TEST_P(kernels_test, norms_are_right) {
  for (std::size_t count : {1u, 15u, 16u, 40u, 577u}) {
    auto x = random_floats(count, 3.0f);
    auto weight = random_floats(count);
    std::vector<float> y(count + 1, 7.0f);
    kernels.rms_norm(x.data(), weight.data(), 1e-5f, y.data(), count);
    double squares = 0.0;
    for (auto value : x)
      squares += double{value} * value;
    auto inverse = 1.0 / std::sqrt(squares / static_cast<double>(count) + 1e-5);
    for (std::size_t i = 0; i < count; ++i)
      ASSERT_NEAR(y[i], x[i] * inverse * weight[i], 1e-5);
    EXPECT_EQ(y[count], 7.0f);
  }
}

TEST_P(kernels_test, layer_norms_are_right) {
  for (std::size_t count : {1u, 15u, 16u, 40u, 577u})
    for (bool has_bias : {true, false}) {
      auto x = random_floats(count, 3.0f);
      for (auto& value : x)
        value += 5.0f;
      auto weight = random_floats(count);
      auto bias = random_floats(count);
      std::vector<float> y(count + 1, 7.0f);
      kernels.layer_norm(x.data(), weight.data(),
                         has_bias ? bias.data() : nullptr, 1e-5f, y.data(),
                         count);
      double mean = 0.0, variance = 0.0;
      for (auto value : x)
        mean += value / static_cast<double>(count);
      for (auto value : x)
        variance += (value - mean) * (value - mean) / static_cast<double>(count);
      auto inverse = 1.0 / std::sqrt(variance + 1e-5);
      for (std::size_t i = 0; i < count; ++i)
        ASSERT_NEAR(y[i],
                    (x[i] - mean) * inverse * weight[i]
                        + (has_bias ? bias[i] : 0.0f),
                    2e-5)
            << count;
      EXPECT_EQ(y[count], 7.0f);
      // In place.
      kernels.layer_norm(x.data(), weight.data(),
                         has_bias ? bias.data() : nullptr, 1e-5f, x.data(),
                         count);
      y.pop_back();
      EXPECT_EQ(x, y);
    }
}

TEST_P(kernels_test, activations_are_right) {
  for (auto& of : activations)
    for (std::size_t count : {1u, 16u, 37u, 5000u})
      for (bool has_gate : {true, false}) {
        if (!has_gate && of.kind == activation::clamped_swiglu)
          continue;
        auto gate = random_floats(count, 10.0f);
        for (std::size_t i = 0; i < count; i += 2)
          gate[i] /= 10.0f;
        gate[0] = count == 1 ? -200.0f : 0.0f;
        auto up = random_floats(count, 5.0f);
        auto y = gate;
        y.push_back(7.0f);
        kernels.activate(of.kind, y.data(), has_gate ? up.data() : nullptr,
                         count);
        for (std::size_t i = 0; i < count; ++i) {
          auto factor = has_gate ? double{up[i]} : 1.0;
          if (of.kind == activation::clamped_swiglu)
            factor = std::clamp(factor, -7.0, 7.0) + 1.0;
          auto inner = of.exactly(gate[i]);
          ASSERT_NEAR(y[i], inner * factor,
                      std::abs(factor) * std::max(1.0, std::abs(inner)) * 5e-7)
              << of.name << "(" << gate[i] << ")";
        }
        EXPECT_EQ(y[count], 7.0f);
      }
}

TEST_P(kernels_test, large_numbers_are_not_too_large_for_activations) {
  for (auto& of : activations) {
    if (of.kind == activation::clamped_swiglu
        || of.kind == activation::relu_squared)
      continue;
    std::vector<float> x{1e30f, -1e30f, 1e12f, -1e12f, 100.0f, -100.0f};
    kernels.activate(of.kind, x.data(), nullptr, x.size());
    auto large = std::vector<float>{1e30f, 0.0f, 1e12f, 0.0f, 100.0f, 0.0f};
    for (std::size_t i = 0; i < x.size(); ++i)
      EXPECT_NEAR(x[i], large[i], large[i] * 1e-6) << of.name << " " << i;
  }
}

TEST_P(kernels_test, what_is_no_number_stays_visible) {
  auto nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> values(40, 1.0f), ones(40, 1.0f);
  values[3] = values[35] = nan;
  for (auto& of : activations) {
    auto gate = values, up = ones;
    kernels.activate(of.kind, gate.data(), up.data(), 40);
    EXPECT_TRUE(std::isnan(gate[3]) && std::isnan(gate[35])) << of.name;
    EXPECT_FALSE(std::isnan(gate[4])) << of.name;
    gate = ones, up = values;
    kernels.activate(of.kind, gate.data(), up.data(), 40);
    EXPECT_TRUE(std::isnan(gate[3]) && std::isnan(gate[35])) << of.name;
    if (of.kind == activation::clamped_swiglu)
      continue;
    gate = values;
    kernels.activate(of.kind, gate.data(), nullptr, 40);
    EXPECT_TRUE(std::isnan(gate[3]) && std::isnan(gate[35])) << of.name;
  }
  std::vector<float> x(40, 1.0f), y(40);
  x[39] = nan;
  kernels.layer_norm(x.data(), ones.data(), nullptr, 1e-5f, y.data(), 40);
  EXPECT_TRUE(std::isnan(y[0]));
  kernels.rms_norm(x.data(), ones.data(), 1e-5f, y.data(), 40);
  EXPECT_TRUE(std::isnan(y[0]));
}

TEST_P(kernels_test, heads_are_turned_by_their_angles) {
  for (std::size_t half : {1u, 5u, 16u, 32u, 41u}) {
    auto x = random_floats(2 * half);
    std::vector<float> cosines(half), sines(half), y(2 * half + 1, 7.0f);
    for (std::size_t i = 0; i < half; ++i) {
      cosines[i] = std::cos(static_cast<float>(i));
      sines[i] = std::sin(static_cast<float>(i));
    }
    kernels.rotate(x.data(), cosines.data(), sines.data(), 0.5f, y.data(),
                   half);
    for (std::size_t i = 0; i < half; ++i) {
      auto c = std::cos(double(i)), s = std::sin(double(i));
      ASSERT_NEAR(y[i], (x[i] * c - x[half + i] * s) / 2, 1e-6);
      ASSERT_NEAR(y[half + i], (x[half + i] * c + x[i] * s) / 2, 1e-6);
    }
    EXPECT_EQ(y[2 * half], 7.0f);
    // In place.
    kernels.rotate(x.data(), cosines.data(), sines.data(), 0.5f, x.data(),
                   half);
    y.pop_back();
    EXPECT_EQ(x, y);
  }
}

TEST(kernel_set_test, what_is_done_row_by_row_has_the_same_bits_in_every_form) {
  auto x = random_floats(1003, 4.0f), weight = random_floats(1003);
  auto bias = random_floats(1003);
  auto results_of = [&](const kernel_set& kernels) {
    std::vector<std::vector<float>> results;
    for (auto& of : activations)
      kernels.activate(of.kind, results.emplace_back(x).data(), weight.data(),
                       x.size());
    kernels.layer_norm(x.data(), weight.data(), bias.data(), 1e-6f,
                       results.emplace_back(x).data(), x.size());
    kernels.rms_norm(x.data(), weight.data(), 1e-6f,
                     results.emplace_back(x).data(), x.size());
    kernels.rotate(x.data(), weight.data(), bias.data(), 0.7f,
                   results.emplace_back(x).data(), 500);
    return results;
  };
  auto expected = results_of(*usable_kernels().front());
  for (auto kernels : usable_kernels())
    EXPECT_EQ(results_of(*kernels), expected) << kernels->name;
}

TEST(kernel_set_test, some_form_runs_everywhere) {
  ASSERT_FALSE(usable_kernels().empty());
  EXPECT_EQ(usable_kernels().back()->name, std::string{"portable"});
}

TEST(half_floats_test, every_half_survives_the_way_there_and_back) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    auto half = static_cast<std::uint16_t>(bits);
    auto narrow = to_float(float16{half});
    auto wide = to_float(bfloat16{half});
    if (std::isnan(narrow))
      EXPECT_TRUE(std::isnan(to_float(to_float16(narrow))));
    else
      ASSERT_EQ(to_float16(narrow).bits, half);
    if (std::isnan(wide))
      EXPECT_TRUE(std::isnan(to_float(to_bfloat16(wide))));
    else
      ASSERT_EQ(to_bfloat16(wide).bits, half);
  }
}

TEST(half_floats_test, known_values_and_roundings) {
  EXPECT_EQ(to_float(float16{0x3C00}), 1.0f);
  EXPECT_EQ(to_float(float16{0xC000}), -2.0f);
  EXPECT_EQ(to_float(float16{0x7BFF}), 65504.0f);
  EXPECT_EQ(to_float(float16{0x0001}), 0x1p-24f);
  EXPECT_EQ(to_float(float16{0x7C00}), std::numeric_limits<float>::infinity());
  EXPECT_EQ(to_float(bfloat16{0x3F80}), 1.0f);
  // Ties go to the even one.
  EXPECT_EQ(to_float16(1.0f + 0x1p-11f).bits, 0x3C00);
  EXPECT_EQ(to_float16(1.0f + 0x3p-11f).bits, 0x3C02);
  EXPECT_EQ(to_float16(65519.0f).bits, 0x7BFF);
  EXPECT_EQ(to_float16(65520.0f).bits, 0x7C00);
  EXPECT_EQ(to_float16(0x1p-25f).bits, 0x0000);
  EXPECT_EQ(to_float16(0x3p-25f).bits, 0x0002);
  EXPECT_EQ(to_bfloat16(1.0f + 0x1p-8f).bits, 0x3F80);
  EXPECT_EQ(to_bfloat16(1.0f + 0x3p-8f).bits, 0x3F82);
}
