// Several replies that answer one request.
#include "http/openai_format.hpp"
#include "http/streamed_answer.hpp"
#include "http/whole_answer.hpp"

#include "recording_answer.hpp"
#include "tests/support/actor_fixture.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <gmock/gmock.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace model_server {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// What a reply was told.
struct fate {
  std::vector<std::uint64_t> written_up_to;
  int departures = 0;
  std::vector<failure> stops;
};

reply_actor::behavior_type recording_reply(reply_actor::pointer,
                                           std::shared_ptr<fate> told) {
  return {
      [](const token_chunk&) {},
      [](const reply_failed&) {},
      [](const moved&) {},
      [](const routed&, const worker_actor&) {},
      [](const worker_gone&) {},
      [=](const stop_reply& order) { told->stops.push_back(order.reason); },
      [=](const written& progress) {
        told->written_up_to.push_back(progress.up_to);
      },
      [=](client_left) { ++told->departures; },
      [](pulse_atom) {},
      [](get_story) { return reply_story{}; },
      [](retry_atom) {},
  };
}

reply_summary summary(std::uint32_t completion_tokens) {
  return {.finish = finish_reason::length,
          .seed = 1,
          .device = "cpu",
          .prompt_tokens = 10,
          .completion_tokens = completion_tokens,
          .cached_tokens = 4};
}

class joint_answer_test : public actor_fixture {
protected:
  joint_answer_test() {
    for (auto& told : fates) {
      told = std::make_shared<fate>();
      replies.push_back(system.spawn(recording_reply, told));
    }
  }

  ~joint_answer_test() override {
    for (const auto& each : replies)
      caf::anon_send_exit(each, caf::exit_reason::kill);
  }

  template <class Answer>
  std::unique_ptr<joint_answer> make(choice_counts counts) {
    return std::make_unique<Answer>(
        std::make_unique<recording_answer>(record),
        std::make_unique<chat_format>(openai_frame{"id", 1, "m"}, false, true),
        counts);
  }

  void set_replies(joint_answer& answer) {
    for (std::size_t i = 0; i < replies.size(); ++i)
      answer.replies().set(i, replies[i]);
  }

  std::unique_ptr<joint_answer> stream() {
    auto result = make<streamed_answer>({.per_prompt = 2});
    set_replies(*result);
    return result;
  }

  recorded_answer record;
  std::shared_ptr<fate> fates[2];
  std::vector<reply_actor> replies;
};

TEST_F(joint_answer_test, begins_when_all_are_admitted_in_their_order) {
  auto answer = stream();
  answer->begin(0, "cpu");
  answer->text(1, "early", 1, {});
  EXPECT_FALSE(record.has_begun);
  answer->begin(1, "cpu");
  EXPECT_TRUE(record.has_begun);
  auto body = record.body();
  auto first = body.find(R"("index":0,"delta":{"role")");
  auto second = body.find(R"("index":1,"delta":{"role")");
  auto text = body.find(R"("index":1,"delta":{"content":"early"})");
  EXPECT_LT(first, second);
  EXPECT_LT(second, text);
  EXPECT_NE(text, std::string::npos);
}

TEST_F(joint_answer_test, ends_with_the_last_and_counts_a_prompt_once) {
  auto answer = stream();
  answer->begin(0, "cpu");
  answer->begin(1, "cpu");
  answer->end(1, summary(3));
  EXPECT_THAT(record.body(), HasSubstr(R"("index":1,"delta":{},)"));
  EXPECT_FALSE(record.has_ended);
  answer->text(0, "x", 1, {});
  answer->end(0, summary(2));
  EXPECT_TRUE(record.has_ended);
  EXPECT_THAT(record.last_piece,
              HasSubstr(R"("prompt_tokens":10,"completion_tokens":5,)"));
  EXPECT_THAT(record.last_piece, HasSubstr(R"("cached_tokens":4)"));
  EXPECT_THAT(record.last_piece, EndsWith("data: [DONE]\n\n"));
}

TEST_F(joint_answer_test, counts_each_of_several_prompts) {
  auto answer = make<whole_answer>({.prompts = 2});
  for (std::size_t i = 0; i < 2; ++i) {
    answer->begin(i, "cpu");
    answer->text(i, i == 0 ? "a" : "b", 1, {});
  }
  answer->end(1, summary(1));
  EXPECT_FALSE(record.has_sent);
  answer->end(0, summary(1));
  EXPECT_THAT(record.response.body,
              HasSubstr(R"("prompt_tokens":20,"completion_tokens":2,)"));
  auto a = record.response.body.find(R"("content":"a")");
  auto b = record.response.body.find(R"("content":"b")");
  EXPECT_LT(a, b);
  EXPECT_NE(b, std::string::npos);
}

TEST_F(joint_answer_test, a_refusal_of_one_is_the_status_of_all) {
  auto answer = stream();
  answer->begin(0, "cpu");
  answer->text(0, "early", 1, {});
  answer->fail(1, {errc::queue_full, "full", "", 4});
  EXPECT_EQ(record.response.status, 429u);
  EXPECT_FALSE(record.has_begun);
  run();
  for (const auto& told : fates)
    EXPECT_THAT(told->stops,
                ElementsAre(failure{errc::queue_full, "full", "", 4}));
  // What the others still say is dropped.
  answer->begin(1, "cpu");
  answer->text(1, "late", 1, {});
  answer->ping(0);
  answer->end(1, summary(1));
  answer->fail(0, {errc::shutting_down, "stop", "", 0});
  EXPECT_EQ(record.response.status, 429u);
  EXPECT_EQ(record.body(), "");
}

TEST_F(joint_answer_test, a_failure_in_the_middle_ends_the_stream_for_all) {
  auto answer = stream();
  answer->begin(0, "cpu");
  answer->begin(1, "cpu");
  answer->end(0, summary(1));
  answer->fail(1, {errc::model_failed, "NaN", "", 0});
  EXPECT_TRUE(record.has_ended);
  EXPECT_THAT(record.last_piece, HasSubstr("model_failed"));
  EXPECT_THAT(record.body(), Not(HasSubstr("[DONE]")));
}

TEST_F(joint_answer_test, stops_those_who_come_after_the_failure) {
  auto answer = make<streamed_answer>({.per_prompt = 2});
  answer->fail(1, {errc::queue_full, "full", "", 4});
  set_replies(*answer);
  run();
  EXPECT_EQ(fates[1]->stops.size(), 1u);
}

TEST_F(joint_answer_test, says_once_when_a_choice_of_each_prompt_is_admitted) {
  auto answer = make<whole_answer>({.prompts = 2, .per_prompt = 2});
  int times = 0;
  answer->when_prompts_are_in([&] { ++times; });
  answer->begin(0, "cpu");
  EXPECT_EQ(times, 0);
  answer->begin(1, "cpu");
  EXPECT_EQ(times, 1);
  answer->begin(0, "cpu");
  EXPECT_EQ(times, 1);
}

TEST_F(joint_answer_test, starts_nothing_more_after_a_failure) {
  auto answer = make<whole_answer>({.prompts = 2, .per_prompt = 2});
  answer->when_prompts_are_in([] { ADD_FAILURE(); });
  answer->begin(0, "cpu");
  answer->fail(2, {errc::bad_chat, "no", "", 0});
  answer->begin(1, "cpu");
}

TEST_F(joint_answer_test, names_the_prompt_that_is_refused) {
  for (auto [param, message, shown_param, shown_message] :
       {std::array{"prompt[0]", "prompt[0]: there is no token 9",
                   "prompt[1][0]", "prompt[1][0]: there is no token 9"},
        std::array{"prompt", "the prompt has 9 tokens", "prompt[1]",
                   "prompt[1]: the prompt has 9 tokens"},
        std::array{"seed", "no", "seed", "no"}}) {
    record = {};
    auto answer = make<whole_answer>({.prompts = 2, .per_prompt = 2});
    answer->fail(2, {errc::out_of_range, message, param, 0});
    EXPECT_THAT(record.response.body,
                HasSubstr(std::string{R"("param":")"} + shown_param + "\""));
    EXPECT_THAT(record.response.body, HasSubstr(shown_message));
  }
}

TEST_F(joint_answer_test, pings_by_the_clock_of_the_first_that_goes_on) {
  auto answer = stream();
  answer->begin(0, "cpu");
  answer->begin(1, "cpu");
  auto before = record.pieces.size();
  answer->ping(1);
  EXPECT_EQ(record.pieces.size(), before);
  answer->ping(0);
  EXPECT_EQ(record.pieces.size(), before + 1);
  answer->end(0, summary(1));
  answer->ping(1);
  EXPECT_EQ(record.pieces.back().first, ": ping\n\n");
}

TEST_F(joint_answer_test, tells_each_reply_what_the_client_has_taken) {
  auto answer = stream();
  answer->begin(0, "cpu");
  answer->begin(1, "cpu");
  answer->text(0, "a", 1, {});
  answer->text(1, "b", 2, {});
  answer->text(0, "c", 3, {});
  std::vector<std::uint64_t> marks;
  for (const auto& [piece, mark] : record.pieces)
    if (mark != 0)
      marks.push_back(mark);
  ASSERT_EQ(marks.size(), 3u);
  record.events.taken(marks[1]);
  run();
  EXPECT_THAT(fates[0]->written_up_to, ElementsAre(1));
  EXPECT_THAT(fates[1]->written_up_to, ElementsAre(2));
  record.events.taken(marks[2]);
  run();
  EXPECT_THAT(fates[0]->written_up_to, ElementsAre(1, 3));
  EXPECT_THAT(fates[1]->written_up_to, ElementsAre(2));
}

TEST_F(joint_answer_test, tells_all_that_the_client_has_left) {
  auto answer = make<streamed_answer>({.per_prompt = 2});
  record.events.client_left();
  run();
  EXPECT_THAT(fates[0]->stops, IsEmpty());
  set_replies(*answer);
  run();
  EXPECT_EQ(fates[0]->departures, 1);
  EXPECT_EQ(fates[1]->departures, 1);
}

} // namespace
} // namespace model_server
