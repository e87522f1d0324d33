// What of a foreign text reaches the terminal.
#include "http/client/terminal_text.hpp"

#include <gtest/gtest.h>

namespace model_server {
namespace {

TEST(terminal_text_test, leaves_text_as_it_is) {
  constexpr auto text =
      "Tab\there,\nnext line: äöü 漢字 👩‍💻 שלום";
  EXPECT_EQ(plain_text(text), text);
}

TEST(terminal_text_test, takes_the_teeth_out_of_sequences) {
  EXPECT_EQ(plain_text("\x1b[31mred\x1b[0m"), "[31mred[0m");
  EXPECT_EQ(plain_text("\x1b]0;title\x07"), "]0;title");
  EXPECT_EQ(plain_text("\x1b]52;c;Y3VybA==\x1b\\"), "]52;c;Y3VybA==\\");
  EXPECT_EQ(plain_text("over\rwritten\b\b\x7f"), "overwritten");
}

TEST(terminal_text_test, knows_the_controls_beyond_ascii) {
  // C1 CSI, and the same byte where it is no UTF-8
  EXPECT_EQ(plain_text("\xC2\x9B"
                       "2J"),
            "2J");
  EXPECT_EQ(plain_text("\x9B"
                       "2J"),
            "\xEF\xBF\xBD"
            "2J");
  // right-to-left override, first strong isolate
  EXPECT_EQ(plain_text("a\xE2\x80\xAE"
                       "b\xE2\x81\xA8"
                       "c"),
            "abc");
}

TEST(terminal_text_test, leaves_no_control_byte_of_any_text) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte)
    all += static_cast<char>(byte);
  for (auto c : plain_text(all + all))
    EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t')
        << static_cast<int>(c);
}

} // namespace
} // namespace model_server
