// Messages and commands of a chat.
#include "http/client/chat_line.hpp"

#include <gtest/gtest.h>

namespace model_server {
namespace {

TEST(chat_line_test, tells_messages_from_commands) {
  EXPECT_EQ(read_chat_line("  \t").verb, chat_verb::nothing);
  EXPECT_EQ(read_chat_line(" hello ").verb, chat_verb::message);
  EXPECT_EQ(read_chat_line(" hello ").text, " hello ");
  EXPECT_EQ(read_chat_line("/new").verb, chat_verb::begin_anew);
  EXPECT_EQ(read_chat_line("/quit ").verb, chat_verb::quit);
  auto system = read_chat_line("/system  Be brief. \n");
  EXPECT_EQ(system.verb, chat_verb::system);
  EXPECT_EQ(system.text, "Be brief.");
}

TEST(chat_line_test, takes_no_part_of_a_word_for_a_command) {
  EXPECT_EQ(read_chat_line("/news").verb, chat_verb::unknown);
  EXPECT_EQ(read_chat_line("/").verb, chat_verb::unknown);
}

TEST(chat_line_test, reads_two_slashes_as_a_message_with_one) {
  auto line = read_chat_line("//etc/passwd");
  EXPECT_EQ(line.verb, chat_verb::message);
  EXPECT_EQ(line.text, "/etc/passwd");
}

TEST(chat_line_test, takes_settings_apart) {
  for (auto text : {"temperature 0.2", " temperature=0.2 ", "temperature = 0.2",
                    "temperature\t0.2"}) {
    auto [name, value] = read_field_setting(text);
    EXPECT_EQ(name, "temperature") << text;
    EXPECT_EQ(value, "0.2") << text;
  }
  EXPECT_EQ(read_field_setting("stop a = b").value, "a = b");
  EXPECT_EQ(read_field_setting("seed").value, "");
  EXPECT_EQ(read_field_setting("").name, "");
}

} // namespace
} // namespace model_server
