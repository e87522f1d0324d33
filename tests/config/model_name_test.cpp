// What is a model name and what is not.
#include "config/model_name.hpp"

#include <gtest/gtest.h>

#include <string>

namespace model_server {

namespace {

TEST(model_name_test, takes_letters_digits_and_the_four_marks) {
  for (auto name : {"a", "tiny-chat", "Model_1.5:latest", "org/model", "a/b/c",
                    "-", "7B", "a..b"})
    EXPECT_TRUE(is_model_name(name)) << name;
}

TEST(model_name_test, refuses_everything_else) {
  for (auto name : {"", ".", "..", ".hidden", "/a", "a/", "a//b", "a/../b",
                    "a/.b", "a b", "a\nb", "a%2F", "a?b", "a\\b", "ä", "a\x7f"})
    EXPECT_FALSE(is_model_name(name)) << name;
  EXPECT_FALSE(is_model_name(std::string_view{"a\0b", 3}));
}

TEST(model_name_test, ends_at_128_bytes) {
  EXPECT_TRUE(is_model_name(std::string(128, 'x')));
  EXPECT_FALSE(is_model_name(std::string(129, 'x')));
}

} // namespace

} // namespace model_server
