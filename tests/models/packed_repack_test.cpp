// Tests that quantized blocks are worth the same when they are packed.
#include "models/kernels/packed_matrix.hpp"
#include "models/kernels/packed_repack.hpp"
#include "random_blocks.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

using namespace model_server;
using namespace model_server::testing;

namespace {

std::mt19937 random_source{43};

std::vector<std::byte> repack(ggml_block type,
                              const std::vector<std::byte>& from,
                              std::size_t rows, std::size_t columns) {
  std::vector<std::byte> result(
      packed_bytes(layout_of(type).packed, rows, columns), std::byte{0xEE});
  repack_blocks(type, from.data(), rows, columns, result.data(), 0,
                packed_blocks(rows));
  return result;
}

std::vector<float> row_of(ggml_block type, const std::vector<std::byte>& packed,
                          std::size_t rows, std::size_t columns,
                          std::size_t row) {
  std::vector<float> result(columns);
  unpack_row({layout_of(type).packed, packed.data(), rows, columns}, row,
             result.data());
  return result;
}

void expect_same_bits(const std::vector<float>& a,
                      const std::vector<float>& b) {
  ASSERT_EQ(a.size(), b.size());
  EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size() * sizeof(float)), 0);
}

} // namespace

TEST(packed_repack_test, blocks_are_worth_what_gguf_py_says) {
  constexpr std::size_t columns = 512;
  std::ifstream file{"tests/data/kernels/ggml_blocks.bin", std::ios::binary};
  std::size_t types = 0;
  std::uint32_t number;
  while (file.read(reinterpret_cast<char*>(&number), sizeof(number))) {
    auto type = static_cast<ggml_block>(number);
    SCOPED_TRACE(number);
    std::vector<std::byte> row(ggml_row_bytes(type, columns));
    std::vector<float> worth(columns);
    file.read(reinterpret_cast<char*>(row.data()),
              static_cast<std::streamsize>(row.size()));
    file.read(reinterpret_cast<char*>(worth.data()), columns * sizeof(float));
    ASSERT_TRUE(file);
    auto packed = repack(type, row, 1, columns);
    expect_same_bits(row_of(type, packed, 1, columns, 0), worth);
    ++types;
  }
  EXPECT_EQ(types, std::size(ggml_types));
}

TEST(packed_repack_test, a_row_is_the_same_at_any_place) {
  for (auto type : ggml_types)
    for (std::size_t rows : {1u, 15u, 16u, 17u, 45u}) {
      auto columns = 3 * layout_of(type).numbers;
      auto bytes = ggml_row_bytes(type, columns);
      auto blocks = random_blocks(type, rows, columns, 1.0f, random_source);
      auto packed = repack(type, blocks, rows, columns);
      for (std::size_t r = 0; r < rows; ++r) {
        std::vector<std::byte> row(bytes);
        std::memcpy(row.data(), blocks.data() + r * bytes, bytes);
        expect_same_bits(
            row_of(type, packed, rows, columns, r),
            row_of(type, repack(type, row, 1, columns), 1, columns, 0));
      }
    }
}

TEST(packed_repack_test, blocks_may_be_packed_in_any_order) {
  std::size_t rows = 61;
  for (auto type : ggml_types) {
    auto columns = 2 * layout_of(type).numbers;
    auto blocks = random_blocks(type, rows, columns, 1.0f, random_source);
    auto whole = repack(type, blocks, rows, columns);
    std::vector<std::byte> pieces(whole.size(), std::byte{0xEE});
    for (auto block : {2u, 0u, 3u, 1u})
      repack_blocks(type, blocks.data(), rows, columns, pieces.data(), block,
                    block + 1);
    EXPECT_EQ(pieces, whole);
  }
}

TEST(packed_repack_test, outputs_that_do_not_exist_are_nothing) {
  for (auto type : ggml_types) {
    auto columns = layout_of(type).numbers;
    auto blocks = random_blocks(type, 3, columns, 1.0f, random_source);
    auto packed = repack(type, blocks, 3, columns);
    for (std::size_t r = 3; r < 16; ++r)
      for (auto x : row_of(type, packed, 16, columns, r))
        EXPECT_EQ(x, 0.0f);
  }
}

// As bytes of weights are what decoding waits for.
TEST(packed_repack_test, packed_blocks_are_hardly_larger) {
  for (auto type : ggml_types) {
    auto raw = ggml_row_bytes(type, 4096) * 64;
    auto packed = packed_bytes(layout_of(type).packed, 64, 4096);
    auto is_larger = type == ggml_block::q4_k || type == ggml_block::q5_k;
    EXPECT_EQ(packed, raw + (is_larger ? 64 * 4096 / 64 : 0));
  }
}

// The format of files: a change of it must be noticed.
TEST(packed_repack_test, the_bytes_are_the_ones_described) {
  auto block = equal_blocks(ggml_block::q6_k, 1, 256, std::byte{0}, 1.0f);
  block[0] = std::byte{0x21};   // numbers 0 and 64
  block[128] = std::byte{0xC0}; // number 96
  block[4] = std::byte{0x05};   // number 4
  block[192] = std::byte{7};    // the first scale
  block[193] = std::byte{0x80}; // the second
  auto six = repack(ggml_block::q6_k, block, 1, 256);
  ASSERT_EQ(six.size(), 8 * (384 + 32) + 32 + 32u);
  EXPECT_EQ(six[64], std::byte{0x51});                 // inputs 0 and 4
  EXPECT_EQ(six[2 * 384 + 64], std::byte{0x02});       // input 64
  EXPECT_EQ(six[3 * 384], std::byte{0x03});            // input 96, above
  EXPECT_EQ(six[8 * 384], std::byte{7});               // output 0
  EXPECT_EQ(six[8 * 384 + 1], std::byte{0x80});        // its second half
  EXPECT_EQ(six[8 * (384 + 32) + 1], std::byte{0x3C}); // 1 is 0x3C00

  block = equal_blocks(ggml_block::q5_k, 1, 256, std::byte{0}, 1.0f);
  block[4] = std::byte{9};     // s of group 0
  block[8] = std::byte{10};    // m of group 0
  block[16] = std::byte{0x82}; // the fifth bits of input 0 of groups 1 and 7
  block[48] = std::byte{0x21}; // input 0 of groups 0 and 1
  auto five = repack(ggml_block::q5_k, block, 1, 256);
  ASSERT_EQ(five.size(), 8 * (320 + 32) + 64u);
  EXPECT_EQ(five[64], std::byte{0x01});
  EXPECT_EQ(five[320], std::byte{0x01});
  EXPECT_EQ(five[320 + 64], std::byte{0x02});
  EXPECT_EQ(five[7 * 320], std::byte{0x01});
  EXPECT_EQ(five[8 * 320], std::byte{9});
  EXPECT_EQ(five[8 * 320 + 16], std::byte{10});
  EXPECT_EQ(five[8 * (320 + 32) + 1], std::byte{0x3C});
  EXPECT_EQ(five[8 * (320 + 32) + 32 + 1], std::byte{0xBC}); // -1

  block = equal_blocks(ggml_block::q8_0, 1, 32, std::byte{0x80}, 1.0f);
  auto eight = repack(ggml_block::q8_0, block, 1, 32);
  EXPECT_EQ(eight[0], std::byte{0}); // -128
}
