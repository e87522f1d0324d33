// Tests of the names of a divided model's files.
#include "config/part_name.hpp"

#include <gtest/gtest.h>

using namespace model_server;

TEST(part_name_test, a_part_is_read_and_written) {
  auto part = read_part_name("a-00002-of-00003-00002-of-00013.gguf");
  ASSERT_TRUE(part);
  EXPECT_EQ(part->model, "a-00002-of-00003");
  EXPECT_EQ(part->number, 2);
  EXPECT_EQ(part->count, 13);
  EXPECT_EQ(part->file(), "a-00002-of-00003-00002-of-00013.gguf");
}

TEST(part_name_test, others_are_none) {
  for (auto name :
       {"", "a.gguf", "-00001-of-00002.gguf", "a-00001-of-00002.bin",
        "a-00000-of-00002.gguf", "a-00003-of-00002.gguf",
        "a-0001-of-00002.gguf", "a_00001-of-00002.gguf",
        "a-00001_of_00002.gguf", "a-0000x-of-00002.gguf",
        "a-00001-of-0000x.gguf", "a--0001-of-00002.gguf"})
    EXPECT_FALSE(read_part_name(name)) << name;
}
