// The base of whole-answer models: when it asks, and how it goes on.
#include "models/entries/batch_entry.hpp"

#include "tests/models/entry_driver.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace model_server {

namespace {

using testing::answer_of;
using testing::ask;
using testing::driven_reply;
using ::testing::ElementsAre;
using testing::run_alone;
using testing::step;

// Answers with the message in reverse, and keeps what it was asked.
class reverser : public batch_entry {
public:
  std::vector<std::vector<std::string>> calls;
  std::vector<std::size_t> limits;
  std::string extra;
  bool forgets_one = false;

protected:
  std::vector<std::string> answer(std::span<const batch_item> chats) override {
    auto& call = calls.emplace_back();
    std::vector<std::string> result;
    for (const auto& item : chats) {
      auto text = item.conversation.messages.back().content;
      call.push_back(text);
      limits.push_back(item.max_tokens);
      result.push_back(std::string{text.rbegin(), text.rend()} + extra);
    }
    if (forgets_one)
      result.pop_back();
    return result;
  }
};

// The same, two characters a step.
class slow_reverser : public reverser {
protected:
  std::size_t tokens_per_step() const override {
    return 2;
  }
};

TEST(batch_entry_test, gives_the_whole_answer_and_the_end_in_one_step) {
  reverser entry;
  driven_reply reply{entry, 1, ask("abc")};
  step(entry, {&reply});
  EXPECT_THAT(reply.tokens(), ElementsAre('c', 'b', 'a'));
  EXPECT_TRUE(reply.has_ended());
}

TEST(batch_entry_test, asks_once_for_all_that_came_in_between_steps) {
  slow_reverser entry;
  driven_reply one{entry, 1, ask("abcd")};
  driven_reply two{entry, 2, ask("efgh")};
  driven_reply three{entry, 3, ask("ijkl")};
  one.state.max_tokens = 7;
  step(entry, {&one, &two});
  step(entry, {&one, &three, &two});
  EXPECT_THAT(entry.calls,
              ElementsAre(ElementsAre("abcd", "efgh"), ElementsAre("ijkl")));
  EXPECT_THAT(entry.limits, ElementsAre(7, 0, 0));
  EXPECT_THAT(one.tokens(), ElementsAre('d', 'c', 'b', 'a'));
  EXPECT_THAT(three.tokens(), ElementsAre('l', 'k'));
}

TEST(batch_entry_test, goes_on_where_a_reply_stood) {
  for (std::size_t k = 0; k <= 3; ++k) {
    reverser entry;
    std::vector<token_id> whole{'c', 'b', 'a'};
    std::vector<token_id> begun{whole.begin(),
                                whole.begin() + static_cast<int>(k)};
    driven_reply reply{entry, 1, ask("abc"), {}, begun};
    step(entry, {&reply});
    EXPECT_EQ(reply.tokens(), whole);
    EXPECT_TRUE(reply.has_ended());
  }
}

TEST(batch_entry_test, a_log_longer_than_the_answer_just_ends) {
  reverser entry;
  driven_reply reply{entry, 1, ask("a"), {}, {'a', 'b', 'c'}};
  step(entry, {&reply});
  EXPECT_THAT(reply.tokens(), ElementsAre('a', 'b', 'c'));
  EXPECT_TRUE(reply.has_ended());
}

TEST(batch_entry_test, an_empty_answer_ends_at_once) {
  reverser entry;
  EXPECT_EQ(answer_of(entry, ask("")), "");
}

TEST(batch_entry_test, forgets_what_was_released) {
  reverser entry;
  driven_reply reply{entry, 1, ask("abc")};
  run_alone(entry, reply);
  driven_reply again{entry, 1, ask("xyz")};
  run_alone(entry, again);
  EXPECT_EQ(entry.calls.size(), 2u);
  entry.release(77); // unknown
}

TEST(batch_entry_test, counts_texts_against_chats) {
  reverser entry;
  entry.forgets_one = true;
  driven_reply one{entry, 1, ask("a")};
  driven_reply two{entry, 2, ask("b")};
  try {
    step(entry, {&one, &two});
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& problem) {
    EXPECT_STREQ(problem.what(), "answer() gave 1 texts for 2 chats");
  }
}

TEST(batch_entry_test, text_survives_as_code_points) {
  reverser entry;
  entry.extra = "ä€🙂\x7f";
  EXPECT_EQ(answer_of(entry, ask("")), "ä€🙂\x7f");
  entry.extra = "a\xFFz\xED\xA0\x80";
  EXPECT_EQ(answer_of(entry, ask("")), "a�z���");
}

TEST(batch_entry_test, prompts_are_the_code_points_of_all_turns) {
  reverser entry;
  chat conversation{{{chat_role::system, "ä"}, {chat_role::user, "b"}}};
  EXPECT_THAT(entry.encode(conversation), ElementsAre(0xE4, '\n', 'b', '\n'));
}

TEST(code_points_test, decoding_and_encoding_are_inverse) {
  for (token_id code : {0x0, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF,
                        0x10000, 0x10FFFF}) {
    std::vector<token_id> back;
    append_code_points(back, code_point_text(code));
    EXPECT_THAT(back, ElementsAre(code));
  }
}

TEST(code_points_test, what_is_no_code_point_has_no_text) {
  for (token_id code : {-1, 0xD800, 0xDFFF, 0x110000, 0x7FFFFFFF})
    EXPECT_EQ(code_point_text(code), "");
}

TEST(code_points_test, each_invalid_byte_is_one_replacement) {
  std::vector<token_id> codes;
  append_code_points(codes, "\xC3|\x80|\xC0\xAF|\xF4\x90\x80\x80|\xE2\x82");
  EXPECT_THAT(codes,
              ElementsAre(0xFFFD, '|', 0xFFFD, '|', 0xFFFD, 0xFFFD, '|', 0xFFFD,
                          0xFFFD, 0xFFFD, 0xFFFD, '|', 0xFFFD, 0xFFFD));
}

} // namespace

} // namespace model_server
