// The entry `echo`.
#include "models/model_catalog.hpp"

#include "models/entries/code_points.hpp"
#include "tests/models/entry_driver.hpp"
#include "tests/models/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace model_server {

namespace {

using testing::answer_of;
using testing::ask;
using testing::driven_reply;
using testing::error_of;
using testing::step;

std::unique_ptr<model_entry>
make_echo(std::vector<std::pair<std::string, param_value>> params = {}) {
  return make_entry("echo", {{false, std::move(params)}, "cpu"});
}

TEST(echo_test, repeats_the_last_user_message) {
  auto entry = make_echo();
  chat conversation{{{chat_role::system, "be brief"},
                     {chat_role::user, "first"},
                     {chat_role::agent, "first"},
                     {chat_role::user, "größer 🙂"},
                     {chat_role::tool, "42"}}};
  EXPECT_EQ(answer_of(*entry, conversation), "größer 🙂");
}

TEST(echo_test, says_one_character_a_step) {
  auto entry = make_echo();
  driven_reply reply{*entry, 1, ask("äb")};
  step(*entry, {&reply});
  EXPECT_EQ(reply.state.reply_size(), 1u);
  step(*entry, {&reply});
  step(*entry, {&reply});
  EXPECT_TRUE(reply.has_ended());
  EXPECT_EQ(reply.state.tokens.back(), code_point_end);
}

TEST(echo_test, says_its_prefix_first) {
  auto entry = make_echo({{"prefix", "You said: "}});
  EXPECT_EQ(answer_of(*entry, ask("hi")), "You said: hi");
}

TEST(echo_test, finishes_a_turn_that_the_agent_has_begun) {
  auto entry = make_echo();
  chat conversation{{{chat_role::user, "hello"}, {chat_role::agent, "hel"}}};
  EXPECT_EQ(answer_of(*entry, conversation), "lo");
  conversation.messages.back().content = "other";
  EXPECT_EQ(answer_of(*entry, conversation), "hello");
}

TEST(echo_test, refuses_a_chat_without_a_user) {
  auto entry = make_echo();
  chat conversation{{{chat_role::system, "x"}}};
  EXPECT_THROW(entry->encode(conversation), bad_chat);
  EXPECT_EQ(error_of([&] { entry->encode(conversation); }),
            "echo repeats the last user message, and there is none");
}

TEST(echo_test, pauses_before_each_step) {
  auto entry = make_echo({{"delay_ms", std::int64_t{5}}});
  auto begin = std::chrono::steady_clock::now();
  answer_of(*entry, ask("abc")); // and the end: four steps
  EXPECT_GE(std::chrono::steady_clock::now() - begin,
            std::chrono::milliseconds{20});
}

TEST(echo_test, states_the_context_length_that_it_is_given) {
  EXPECT_EQ(make_echo()->info().context_length, 1u << 20);
  EXPECT_EQ(
      make_echo({{"context_length", std::int64_t{64}}})->info().context_length,
      64u);
}

TEST(echo_test, checks_its_params) {
  EXPECT_EQ(error_of([] {
              make_echo({{"dealy_ms", std::int64_t{1}}});
            }),
            "entry echo: there is no parameter \"dealy_ms\"; known are "
            "delay_ms, prefix, context_length");
  EXPECT_EQ(error_of([] {
              make_echo({{"delay_ms", std::int64_t{-1}}});
            }),
            "entry echo: parameter \"delay_ms\" is -1, but a whole number from "
            "0 to 60000 is needed");
}

} // namespace

} // namespace model_server
