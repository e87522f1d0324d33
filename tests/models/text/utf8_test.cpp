// Checks UTF-8: validity, repair, and characters put together from pieces.
#include "models/text/utf8.hpp"

#include <gtest/gtest.h>

#include <random>

namespace model_server {
namespace {

constexpr const char* gap = "\xEF\xBF\xBD"; // U+FFFD

TEST(utf8_test, knows_valid_text) {
  EXPECT_TRUE(is_valid_utf8(""));
  EXPECT_TRUE(is_valid_utf8("plain"));
  EXPECT_TRUE(is_valid_utf8("na\u00EFve \u732B \U0001F600 \uFFFF"));
  EXPECT_TRUE(is_valid_utf8("\xF4\x8F\xBF\xBF")); // the last character
}

TEST(utf8_test, refuses_what_is_no_character) {
  for (auto* bytes : {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80",
                      "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80",
                      "\xF8\x88\x80\x80\x80", "\xFF", "a\xE4\xBD", "\xC3("})
    EXPECT_FALSE(is_valid_utf8(bytes)) << bytes;
}

TEST(utf8_test, replaces_as_python_does) {
  std::string g = gap;
  EXPECT_EQ(repair_utf8("a\xE4\xBDz"), "a" + g + "z");
  EXPECT_EQ(repair_utf8("\xED\xA0\x80"), g + g + g);
  EXPECT_EQ(repair_utf8("\xF0\x80\x80\x80"), g + g + g + g);
  EXPECT_EQ(repair_utf8("\xF0\x9F\x98"), g);
  EXPECT_EQ(repair_utf8("\xF0\x9F\xF0\x9F\x98\x80"), g + "\U0001F600");
  EXPECT_EQ(repair_utf8("\xC0\xAF"), g + g);
}

TEST(utf8_test, holds_back_an_unfinished_character) {
  utf8_assembler assembler;
  EXPECT_EQ(assembler.feed("a\xF0\x9F"), "a");
  EXPECT_EQ(assembler.feed("\x98"), "");
  EXPECT_EQ(assembler.feed("\x80z"), "\U0001F600z");
  EXPECT_EQ(assembler.flush(), "");
}

TEST(utf8_test, gives_up_a_character_that_is_not_finished) {
  utf8_assembler assembler;
  EXPECT_EQ(assembler.feed("\xE4\xBD"), "");
  EXPECT_EQ(assembler.feed("x"), std::string{gap} + "x");
  EXPECT_EQ(assembler.feed("\xE4"), "");
  EXPECT_EQ(assembler.flush(), gap);
  EXPECT_EQ(assembler.flush(), "");
}

TEST(utf8_test, assembles_any_bytes_cut_anywhere_as_if_whole) {
  std::mt19937 random{1};
  for (int round = 0; round < 2000; ++round) {
    std::string bytes;
    for (auto size = random() % 20; size > 0; --size) {
      if (random() % 3 == 0)
        bytes += static_cast<char>(random());
      else
        append_utf8(bytes, static_cast<char32_t>(random() % 0xD800));
    }
    utf8_assembler assembler;
    std::string text;
    for (std::size_t at = 0; at < bytes.size();) {
      auto size = random() % 4;
      text += assembler.feed(std::string_view{bytes}.substr(at, size));
      at += size;
    }
    text += assembler.flush();
    EXPECT_EQ(text, repair_utf8(bytes));
    EXPECT_TRUE(is_valid_utf8(text));
  }
}

} // namespace
} // namespace model_server
