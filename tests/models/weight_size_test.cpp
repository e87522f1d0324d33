// What the weights of a folder take on the disk.
#include "models/weights/weight_size.hpp"

#include "models/model_catalog.hpp"
#include "tests/models/temporary_folder.hpp"

#include <gtest/gtest.h>

namespace model_server {

namespace {

using testing::temporary_folder;

std::string bytes(std::size_t count) {
  return std::string(count, 'x');
}

} // namespace

TEST(weight_size_test, counts_the_files_that_are_loaded) {
  temporary_folder folder;
  EXPECT_EQ(weight_bytes(folder.path()), 0u);
  EXPECT_EQ(weight_bytes(folder.path() / "none"), 0u);
  folder.write("m.gguf", bytes(5));
  EXPECT_EQ(weight_bytes(folder.path()), 5u);
  folder.write("model-00001-of-00002.safetensors", bytes(10));
  folder.write("model-00002-of-00002.safetensors", bytes(20));
  folder.write("consolidated.safetensors", bytes(99));
  EXPECT_EQ(weight_bytes(folder.path()), 30u);
  folder.write("model.safetensors", bytes(7));
  EXPECT_EQ(weight_bytes(folder.path()), 7u);
}

TEST(weight_size_test, counts_all_parts_of_a_gguf_file) {
  temporary_folder folder;
  folder.write("m-00001-of-00002.gguf", bytes(3));
  folder.write("m-00002-of-00002.gguf", bytes(4));
  folder.write("other.gguf", bytes(50));
  EXPECT_EQ(weight_bytes(folder.path() / "m-00001-of-00002.gguf"), 7u);
  EXPECT_EQ(weight_bytes(folder.path() / "other.gguf"), 50u);
}

TEST(weight_size_test, an_estimate_has_the_cache_that_is_asked_for) {
  temporary_folder folder;
  folder.write("model.safetensors", bytes(100));
  entry_params params;
  params.values.emplace_back("path", folder.path().string());
  EXPECT_EQ(estimate_memory("causal_lm", params), 100u);
  params.values.emplace_back("kv_cache_memory", "1K");
  EXPECT_EQ(estimate_memory("causal_lm", params), 1124u);
  EXPECT_EQ(estimate_memory("echo", {}), 0u);
  // Loading says better what is wrong.
  params.values.emplace_back("nonsense", true);
  EXPECT_EQ(estimate_memory("causal_lm", params), 0u);
}

} // namespace model_server
