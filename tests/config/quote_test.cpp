// Foreign text cannot leave its line or its quotation marks.
#include "config/quote.hpp"

#include <gtest/gtest.h>

namespace model_server {

namespace {

TEST(quote_test, leaves_plain_text_and_other_scripts_alone) {
  EXPECT_EQ(quote("plain, it's 100 %"), "\"plain, it's 100 %\"");
  EXPECT_EQ(quote("größe 日本 🙂"), "\"größe 日本 🙂\"");
}

TEST(quote_test, escapes_what_json_wants_escaped) {
  EXPECT_EQ(quote("a\"b\\c\n\r\t"), R"("a\"b\\c\n\u000d\t")");
  EXPECT_EQ(quote(std::string_view{"\0", 1}), R"("\u0000")");
}

TEST(quote_test, escapes_what_moves_a_terminal) {
  EXPECT_EQ(quote("\x1b[2J\x7f"), R"("\u001b[2J\u007f")");
  EXPECT_EQ(quote("\xC2\x9B"), R"("\u009b")");     // C1 control
  EXPECT_EQ(quote("\xE2\x80\xA8"), R"("\u2028")"); // line separator
  EXPECT_EQ(quote("\xE2\x80\xAE"), R"("\u202e")"); // right to left
  EXPECT_EQ(quote("\xE2\x81\xA6"), R"("\u2066")"); // isolate
  EXPECT_EQ(quote("\xEF\xBB\xBF"), R"("\ufeff")"); // byte order mark
}

TEST(quote_test, replaces_invalid_utf8) {
  const std::string bad = "\xEF\xBF\xBD";
  EXPECT_EQ(quote("a\xFFz"), "\"a" + bad + "z\"");
  EXPECT_EQ(quote("\x80"), "\"" + bad + "\"");
  EXPECT_EQ(quote("\xC3"), "\"" + bad + "\"");           // cut off
  EXPECT_EQ(quote("\xC3("), "\"" + bad + "(\"");         // no tail
  EXPECT_EQ(quote("\xC0\xAF"), "\"" + bad + bad + "\""); // overlong
  EXPECT_EQ(quote("\xE0\x80\xAF"), "\"" + bad + bad + bad + "\"");
  EXPECT_EQ(quote("\xED\xA0\x80"), "\"" + bad + bad + bad + "\""); // surrogate
  EXPECT_EQ(quote("\xF4\x90\x80\x80"),
            "\"" + bad + bad + bad + bad + "\""); // beyond Unicode
}

TEST(quote_test, cuts_long_text_and_says_so) {
  EXPECT_EQ(quote("abcd", 4), "\"abcd\"");
  EXPECT_EQ(quote("abcde", 4), "\"abcd...\"");
  EXPECT_EQ(quote("aaaä", 4), "\"aaaä\"");
  EXPECT_EQ(quote(std::string(5000, 'x')),
            "\"" + std::string(1024, 'x') + "...\"");
}

TEST(quote_test, cuts_by_the_escaped_length) {
  EXPECT_LE(quote(std::string(5000, '\x01')).size(), 1024u + 6 + 5);
}

} // namespace

} // namespace model_server
