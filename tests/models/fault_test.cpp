// The entry `fault`: it must break exactly as told, or tests that use it lie.
#include "models/entries/fault_reply.hpp"

#include "models/entries/fault_commands.hpp"
#include "models/model_catalog.hpp"
#include "tests/models/entry_driver.hpp"
#include "tests/models/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace model_server {

namespace {

using testing::answer_of;
using testing::ask;
using testing::driven_reply;
using ::testing::ElementsAre;
using testing::error_of;
using testing::run_alone;
using ::testing::StartsWith;
using testing::step;

using params = std::vector<std::pair<std::string, param_value>>;

std::unique_ptr<model_entry> make_fault(params more = {}) {
  more.emplace_back("enable", true);
  return make_entry("fault", {{false, std::move(more)}, "cpu"});
}

fault_plan plan_of(std::string_view text) {
  fault_plan result;
  add_commands(result, text);
  return result;
}

// -- the reply ----------------------------------------------------------------

TEST(fault_test, says_twenty_checkable_tokens_by_default) {
  auto entry = make_fault();
  EXPECT_EQ(answer_of(*entry, ask("hello"), 7), fault_reply(7, 20));
  EXPECT_THAT(fault_reply(7, 20),
              ::testing::MatchesRegex("(([0-9]+):([0-9a-f]+) )+"));
}

// Stored: other programs compute these too.
TEST(fault_test, its_reply_is_the_same_everywhere) {
  EXPECT_EQ(fault_reply(0, 3), "1:e220 2:6e78 3:06c4 ");
  EXPECT_EQ(fault_reply(1234, 2), fault_reply(1234, 3).substr(0, 14));
  EXPECT_NE(fault_reply(1, 3), fault_reply(2, 3));
}

TEST(fault_test, says_as_much_as_it_is_told) {
  auto entry = make_fault({{"commands", "len=3"}});
  EXPECT_EQ(answer_of(*entry, ask("x"), 9), fault_reply(9, 3));
  EXPECT_EQ(answer_of(*entry, ask("len=5 please"), 9), fault_reply(9, 5));
  EXPECT_EQ(answer_of(*entry, ask("len=0"), 9), "");
  EXPECT_EQ(answer_of(*entry, ask("len=32000"), 9), fault_reply(9, 32'000));
}

TEST(fault_test, takes_several_tokens_a_step_and_several_steps_to_begin) {
  auto entry = make_fault();
  driven_reply reply{*entry, 1, ask("len=5 burst=2 prompt_steps=2")};
  std::vector<std::size_t> sizes;
  while (!reply.has_ended()) {
    step(*entry, {&reply});
    sizes.push_back(reply.state.reply_size());
  }
  EXPECT_THAT(sizes, ElementsAre(0, 0, 2, 4, 6));
  EXPECT_EQ(reply.tokens().size(), 5u);
}

TEST(fault_test, obeys_the_last_user_message_alone) {
  auto entry = make_fault();
  chat conversation{{{chat_role::user, "throw@1"},
                     {chat_role::agent, "throw@1"},
                     {chat_role::user, "len=2"}}};
  EXPECT_EQ(answer_of(*entry, conversation), fault_reply(0, 2));
}

// -- faults -------------------------------------------------------------------

TEST(fault_test, throws_instead_of_the_token) {
  auto entry = make_fault();
  driven_reply reply{*entry, 1, ask("throw@5")};
  EXPECT_EQ(error_of([&] { run_alone(*entry, reply); }),
            "fault was told to throw at token 5");
  EXPECT_EQ(reply.state.reply_size(), 4u);
  driven_reply other{*entry, 2, ask("throw_int@2")};
  EXPECT_THROW(run_alone(*entry, other), int);
  EXPECT_EQ(other.state.reply_size(), 1u);
}

TEST(fault_test, a_fault_of_once_lets_the_resumed_reply_through) {
  driven_reply first{*make_fault(), 1, ask("len=9 throw@5:once")};
  EXPECT_ANY_THROW(run_alone(*make_fault(), first));
  auto second_worker = make_fault();
  driven_reply second{
      *second_worker, 1, ask("len=9 throw@5:once"), {}, first.tokens()};
  auto tokens = run_alone(*second_worker, second);
  EXPECT_EQ(testing::text_of(*second_worker, tokens), fault_reply(0, 9));
}

TEST(fault_test, a_fault_without_once_comes_again) {
  auto entry = make_fault();
  std::vector<token_id> begun;
  for (std::uint64_t number = 1; number <= 4; ++number)
    begun.push_back(fault_token(0, number));
  driven_reply reply{*entry, 1, ask("throw@5"), {}, begun};
  EXPECT_ANY_THROW(run_alone(*entry, reply));
}

TEST(fault_test, nan_ends_one_reply_and_spares_the_others) {
  auto entry = make_fault();
  driven_reply sick{*entry, 1, ask("nan@3")};
  driven_reply well{*entry, 2, ask("len=3")};
  for (int i = 0; i < 3; ++i)
    step(*entry, {&sick, &well});
  EXPECT_EQ(sick.state.failure, "there is NaN among the scores of token 3");
  EXPECT_EQ(sick.tokens().size(), 2u);
  EXPECT_EQ(well.tokens().size(), 3u);
  EXPECT_EQ(well.state.failure, "");
}

TEST(fault_test, spoils_the_text_of_a_token) {
  auto entry = make_fault();
  EXPECT_EQ(answer_of(*entry, ask("len=3 bad_utf8@2")), "1:e220 \xFF"
                                                        "3:06c4 ");
  EXPECT_EQ(answer_of(*entry, ask("len=3 split@1")), "é3:06c4 ");
  EXPECT_EQ(entry->decode(2, true), "\xC3");
}

TEST(fault_test, sleeps_in_every_step_or_before_one_token) {
  auto entry = make_fault();
  auto run = [&](std::string commands) {
    auto begin = std::chrono::steady_clock::now();
    answer_of(*entry, ask(std::move(commands)));
    return std::chrono::steady_clock::now() - begin;
  };
  EXPECT_GE(run("len=3 sleep_ms=10"), std::chrono::milliseconds{40});
  EXPECT_GE(run("len=3 sleep_ms=10@2"), std::chrono::milliseconds{10});
}

using fault_death_test = ::testing::Test;

TEST(fault_death_test, ends_the_process) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto run = [](std::string commands) {
    answer_of(*make_fault(), ask(std::move(commands)));
  };
  EXPECT_EXIT(run("abort@2"), ::testing::KilledBySignal(SIGABRT), "");
  EXPECT_EXIT(run("exit@2"), ::testing::ExitedWithCode(70), "");
  EXPECT_DEATH(run("segv@2"), "");
}

// -- commands -----------------------------------------------------------------

TEST(fault_commands_test, reads_every_command) {
  auto plan = plan_of("say len=7 burst=2 prompt_steps=3\nsleep_ms=5\tnow");
  EXPECT_EQ(plan.length, 7u);
  EXPECT_EQ(plan.burst, 2u);
  EXPECT_EQ(plan.prompt_steps, 3u);
  EXPECT_THAT(plan.faults, ElementsAre(fault{fault_kind::sleep, 0, false, 5}));
  EXPECT_THAT(
      plan_of("sleep_ms=9@4:once throw@5 throw_int@6 abort@7 segv@8").faults,
      ElementsAre(fault{fault_kind::sleep, 4, true, 9},
                  fault{fault_kind::throw_error, 5, false, 0},
                  fault{fault_kind::throw_int, 6, false, 0},
                  fault{fault_kind::abort, 7, false, 0},
                  fault{fault_kind::segv, 8, false, 0}));
  EXPECT_THAT(plan_of("exit@1 hang@2 nan@3:once bad_utf8@4 split@5").faults,
              ElementsAre(fault{fault_kind::exit, 1, false, 0},
                          fault{fault_kind::hang, 2, false, 0},
                          fault{fault_kind::nan, 3, true, 0},
                          fault{fault_kind::bad_utf8, 4, false, 0},
                          fault{fault_kind::split, 5, false, 0}));
}

TEST(fault_commands_test, other_words_are_no_commands) {
  EXPECT_EQ(plan_of("Hello, throw it! 5 len"), fault_plan{});
  EXPECT_EQ(plan_of(""), fault_plan{});
  EXPECT_EQ(plan_of("  \n "), fault_plan{});
}

TEST(fault_commands_test, refuses_what_only_looks_like_a_command) {
  auto error = [](std::string_view text) {
    return error_of([&] { plan_of(text); });
  };
  EXPECT_EQ(error("x thow@5"),
            "\"thow@5\" is no command of the entry fault: what comes at a "
            "token is one of sleep_ms, throw, throw_int, abort, segv, exit, "
            "hang, nan, bad_utf8, split");
  EXPECT_EQ(error("length=5"),
            "\"length=5\" is no command of the entry fault: what takes a value "
            "is one of len, burst, prompt_steps, sleep_ms");
  EXPECT_EQ(error("len=32001"),
            "\"len=32001\" is no command of the entry fault: a number from 0 "
            "to 32000 is needed");
  EXPECT_EQ(error("throw@0"),
            "\"throw@0\" is no command of the entry fault: a number from 1 to "
            "32000 is needed");
  EXPECT_EQ(error("throw@1:once"),
            "\"throw@1:once\" is no command of the entry fault: a number from "
            "2 to 32000 is needed");
  EXPECT_EQ(error("throw@5:twice"),
            "\"throw@5:twice\" is no command of the entry fault: after the "
            "colon only once may follow");
  EXPECT_EQ(error("len=5@3"),
            "\"len=5@3\" is no command of the entry fault: only sleep_ms takes "
            "both a value and a token");
  for (auto text : {"len=", "len=x", "len=-1", "burst=0", "burst=1001",
                    "prompt_steps=1001", "sleep_ms=600001", "sleep_ms=5@",
                    "throw@", "throw@5:", "@", "=", "a@b.example"})
    EXPECT_THAT(error(text),
                StartsWith(std::string{"\""} + text + "\" is no command of"));
}

TEST(fault_commands_test, a_bad_command_is_the_clients_mistake) {
  auto entry = make_fault();
  EXPECT_THROW(entry->encode(ask("thow@5")), bad_chat);
}

// -- loading ------------------------------------------------------------------

TEST(fault_test, must_be_enabled) {
  EXPECT_EQ(error_of([] { make_entry("fault", {}); }),
            "entry fault: this entry breaks its worker on command and is for "
            "tests alone; parameter \"enable\" must be true");
}

TEST(fault_test, fails_to_load_on_command) {
  EXPECT_EQ(error_of([] {
              make_fault({{"load_throw", "out of luck"}});
            }),
            "out of luck");
  EXPECT_EQ(error_of([] {
              make_fault({{"commands", "thow@5"}});
            }).substr(0, 44),
            "entry fault: parameter \"commands\": \"thow@5\" ");
}

TEST(fault_test, fails_to_load_while_a_file_is_there) {
  testing::temporary_folder folder;
  auto file = folder.write("broken", "").string();
  EXPECT_EQ(error_of([&] {
              make_fault({{"load_throw_while", file}});
            }),
            "fault does not load while there is " + file);
  std::filesystem::remove(file);
  EXPECT_EQ(error_of([&] { make_fault({{"load_throw_while", file}}); }), "");
}

TEST(fault_test, sleeps_while_it_loads) {
  auto begin = std::chrono::steady_clock::now();
  make_fault({{"load_sleep_ms", std::int64_t{20}}});
  EXPECT_GE(std::chrono::steady_clock::now() - begin,
            std::chrono::milliseconds{20});
}

} // namespace

} // namespace model_server
