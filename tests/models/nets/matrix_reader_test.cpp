// Tests how matrices are read that lie in other tensors than their own.
#include "models/nets/matrix_reader.hpp"

#include "tests/models/temporary_folder.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <cstring>
#include <random>

using namespace model_server;
using namespace model_server::testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

namespace {

// Writes a file of tensors one by one.
class tensor_writer {
public:
  void add(const std::string& name, const char* type, const std::string& shape,
           std::string bytes) {
    header_ += fmt::format("{}\"{}\":{{\"dtype\":\"{}\",\"shape\":[{}],"
                           "\"data_offsets\":[{},{}]}}",
                           header_.empty() ? "" : ",", name, type, shape,
                           data_.size(), data_.size() + bytes.size());
    data_ += bytes;
  }

  void add(const std::string& name, const std::string& shape,
           const std::vector<float>& numbers) {
    add(name, "F32", shape,
        {reinterpret_cast<const char*>(numbers.data()),
         numbers.size() * sizeof(float)});
  }

  std::shared_ptr<const weight_folder> write() {
    auto header = "{" + header_ + "}";
    header.resize((header.size() + 7) / 8 * 8, ' ');
    std::uint64_t length = header.size();
    std::string prefix(8, '\0');
    std::memcpy(prefix.data(), &length, 8);
    folder_.write("model.safetensors", prefix + header + data_);
    return std::make_shared<weight_folder>(folder_.path());
  }

private:
  temporary_folder folder_;
  std::string header_, data_;
};

std::vector<float> numbers_of(const linear_weights& weights) {
  auto from = static_cast<const float*>(weights.plain.data);
  return {from, from + weights.outputs() * weights.inputs()};
}

class matrix_reader_test : public ::testing::Test {
protected:
  std::vector<float> read(const matrix_source& source) {
    folder_ = file.write();
    matrix_reader reader{*folder_};
    auto result = reader.plain(source, number_format::f32);
    bias = result.bias;
    return numbers_of(result);
  }

  tensor_writer file;
  std::vector<float> bias;

private:
  std::shared_ptr<const weight_folder> folder_;
};

} // namespace

TEST_F(matrix_reader_test, takes_rows_and_their_biases) {
  file.add("a", "4,2", {0, 1, 10, 11, 20, 21, 30, 31});
  file.add("b", "4", {5, 6, 7, 8});
  EXPECT_THAT(read({.tensor = "a",
                    .bias = "b",
                    .outputs = 3,
                    .inputs = 2,
                    .rows = {{3, 1}, {0, 2, 2}},
                    .stored_rows = 4}),
              ElementsAre(30, 31, 0, 1, 20, 21));
  EXPECT_THAT(bias, ElementsAre(8, 5, 7));
}

TEST_F(matrix_reader_test, takes_columns_of_one_matrix_of_a_stack) {
  file.add("a", "2,2,3", {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  file.add("b", "2,3", {0, 1, 2, 3, 4, 5});
  EXPECT_THAT(read({.tensor = "a",
                    .bias = "b",
                    .outputs = 2,
                    .inputs = 2,
                    .rows = {{0, 2, 2}},
                    .stored_rows = 3,
                    .is_transposed = true,
                    .items = 2,
                    .item = 1}),
              ElementsAre(6, 9, 8, 11));
  EXPECT_THAT(bias, ElementsAre(3, 5));
}

TEST_F(matrix_reader_test, joins_pieces) {
  file.add("a", "2,2", {0, 1, 2, 3});
  file.add("b", "1,2", {4, 5});
  matrix_source source{.tensor = "c", .bias = {}, .outputs = 3, .inputs = 2};
  source.pieces = {{.tensor = "b", .bias = {}, .outputs = 1, .inputs = 2},
                   {.tensor = "a", .bias = {}, .outputs = 2, .inputs = 2}};
  EXPECT_THAT(read(source), ElementsAre(4, 5, 0, 1, 2, 3));
}

TEST_F(matrix_reader_test, reads_4_bits_with_exponents) {
  // The values of 4 bits in the order of their codes.
  constexpr float values[] = {0,     0.5f,  1,  1.5f,  2,  3,  4,  6,
                              -0.0f, -0.5f, -1, -1.5f, -2, -3, -4, -6};
  constexpr std::size_t items = 2, rows = 3, groups = 2;
  std::mt19937 random{4};
  std::string numbers, exponents;
  std::vector<float> expected;
  for (std::size_t i = 0; i < items * rows * groups; ++i) {
    auto exponent = 120 + random() % 12;
    exponents += static_cast<char>(exponent);
    auto is_wanted = i / groups >= rows && i / groups % 2 == 0;
    for (std::size_t j = 0; j < 16; ++j) {
      auto byte = random() % 256;
      numbers += static_cast<char>(byte);
      auto scale = std::ldexp(1.0f, static_cast<int>(exponent) - 127);
      if (is_wanted) {
        expected.push_back(values[byte % 16] * scale);
        expected.push_back(values[byte / 16] * scale);
      }
    }
  }
  file.add("a_blocks", "U8", "2,3,2,16", numbers);
  file.add("a_scales", "U8", "2,3,2", exponents);
  // Row 1 of the second matrix.
  EXPECT_EQ(read({.tensor = "a_blocks",
                  .bias = {},
                  .outputs = 1,
                  .inputs = 64,
                  .rows = {{1, 1}},
                  .stored_rows = rows,
                  .items = items,
                  .item = 1,
                  .exponents = "a_scales"}),
            expected);
}

TEST_F(matrix_reader_test, names_bytes_of_another_shape) {
  file.add("a_blocks", "U8", "1,1,1,16", std::string(16, 'x'));
  file.add("a_scales", "U8", "1,1,2", "xx");
  matrix_source source{.tensor = "a_blocks",
                       .bias = {},
                       .outputs = 1,
                       .inputs = 32,
                       .items = 1,
                       .exponents = "a_scales"};
  EXPECT_THAT(error_of([&] { read(source); }),
              HasSubstr("`a_scales` is [1, 1, 2]"));
  source.inputs = 33;
  EXPECT_THAT(error_of([&] { read(source); }),
              HasSubstr("must be a multiple of 32"));
}

TEST_F(matrix_reader_test, a_stack_has_no_matrix_behind_its_last) {
  file.add("stack", "2,1,1", {1, 2});
  matrix_source source{
      .tensor = "stack", .bias = {}, .outputs = 1, .inputs = 1, .items = 2};
  source.item = 1;
  EXPECT_THAT(read(source), ElementsAre(2));
  source.item = 2;
  EXPECT_THAT(error_of([&] { read(source); }),
              HasSubstr("`stack` is a stack of 2, number 2 is asked for"));
}
