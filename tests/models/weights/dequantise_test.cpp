// Checks what quantized numbers are worth against stored values of gguf-py.
#include "models/weights/convert.hpp"
#include "models/weights/dequantise.hpp"
#include "models/weights/json_file.hpp"

#include "tests/models/temporary_folder.hpp"

#include <gmock/gmock.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>

using namespace model_server;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

namespace {

std::vector<std::byte> from_hex(const std::string& text) {
  std::vector<std::byte> result;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    result.push_back(
        static_cast<std::byte>(std::stoi(text.substr(i, 2), nullptr, 16)));
  return result;
}

template <class Number>
std::vector<std::byte> bytes_of(std::initializer_list<Number> numbers) {
  std::vector<std::byte> result(numbers.size() * sizeof(Number));
  std::memcpy(result.data(), numbers.begin(), result.size());
  return result;
}

// The same bits, or NaN both.
bool same(float a, float b) {
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b)
         || (std::isnan(a) && std::isnan(b));
}

number_format format_called(std::string_view name) {
  for (std::uint32_t type = 0; type < 64; ++type)
    if (gguf_type_name(type) == name)
      return *format_of_gguf(type);
  throw std::runtime_error("unknown type");
}

} // namespace

TEST(dequantise_test, blocks_are_worth_what_gguf_py_makes_of_them) {
  std::ifstream file{"tests/data/gguf/blocks.jsonl"};
  std::size_t types = 0;
  for (std::string line; std::getline(file, line); ++types) {
    auto document = parse_json_object(line, "blocks.jsonl");
    std::string type = document["type"].GetString();
    auto blocks = from_hex(document["blocks"].GetString());
    auto floats = from_hex(document["floats"].GetString());
    tensor_view tensor{format_called(type), {}, blocks};
    std::vector<float> expected(floats.size() / sizeof(float));
    std::memcpy(expected.data(), floats.data(), floats.size());
    ASSERT_EQ(count_numbers(tensor), expected.size()) << type;
    auto found = to_floats(tensor);
    for (std::size_t i = 0; i < found.size(); ++i)
      EXPECT_TRUE(same(found[i], expected[i]))
          << type << " number " << i << ": " << found[i] << ", not "
          << expected[i];
  }
  EXPECT_EQ(types, 15u);
}

TEST(dequantise_test, plain_numbers_become_floats) {
  auto floats = [](number_format format, const std::vector<std::byte>& bytes) {
    return to_floats(tensor_view{format, {}, bytes});
  };
  using std::int16_t, std::int64_t, std::int8_t;
  EXPECT_THAT(floats(number_format::f64, bytes_of<double>({0.1, -2})),
              ElementsAre(0.1f, -2.0f));
  EXPECT_THAT(floats(number_format::i8, bytes_of<int8_t>({-128, 127})),
              ElementsAre(-128.0f, 127.0f));
  EXPECT_THAT(floats(number_format::i16, bytes_of<int16_t>({-300})),
              ElementsAre(-300.0f));
  EXPECT_THAT(floats(number_format::i32, bytes_of<int>({-70000})),
              ElementsAre(-70000.0f));
  EXPECT_THAT(floats(number_format::i64, bytes_of<int64_t>({1LL << 40})),
              ElementsAre(0x1p40f));
  EXPECT_THAT(model_server::testing::error_of(
                  [&] { floats(number_format::f8_e4m3, {}); }),
              HasSubstr("F8_E4M3"));
}

TEST(dequantise_test, rows_are_converted_one_by_one_and_all_at_once_alike) {
  std::vector<std::byte> blocks(300 * 2 * 34);
  for (std::size_t i = 0; i < blocks.size(); ++i)
    blocks[i] = static_cast<std::byte>(i % 34 == 1 ? 0x3c : i * 7);
  tensor_view tensor{number_format::q8_0, {300, 64}, blocks};
  auto whole = to_floats(tensor);
  ASSERT_EQ(whole.size(), 300u * 64);
  std::vector<float> part(3 * 64);
  rows_to_floats(tensor, 5, 8, part.data());
  EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + 5 * 64));
  auto again = convert(tensor, number_format::f32);
  ASSERT_EQ(again.size(), whole.size() * sizeof(float));
  EXPECT_EQ(std::memcmp(again.data(), whole.data(), again.size()), 0);
  auto halves = convert(tensor, number_format::bf16);
  EXPECT_EQ(halves.size(), whole.size() * 2);
}
