// The two ways to write one reply.
#include "http/call_format.hpp"

#include "one_choice.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace model_server {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Pair;

reply_summary summary(std::uint32_t tokens) {
  return {.finish = finish_reason::length,
          .seed = 7,
          .device = "cpu",
          .prompt_tokens = 3,
          .completion_tokens = tokens,
          .cached_tokens = 1};
}

std::unique_ptr<reply_format> format(bool with_logprobs = false) {
  return std::make_unique<call_format>("call-1", "m", with_logprobs, 1);
}

struct streamed_answer_test : testing::Test {
  recorded_answer record;
  choice_writer writer = streamed_choice(record, format());
};

TEST_F(streamed_answer_test, writes_one_event_per_piece_and_the_end) {
  writer.begin({});
  EXPECT_EQ(record.response.status, 200u);
  EXPECT_EQ(record.response.content_type, "text/event-stream");
  EXPECT_THAT(record.response.headers,
              Contains(Pair("cache-control", "no-store")));
  EXPECT_THAT(record.response.headers,
              Contains(Pair("x-accel-buffering", "no")));
  writer.text("he", 1, {});
  writer.text("llo\n", 3, {});
  EXPECT_EQ(record.pieces[0].first,
            "id: 1\ndata: {\"id\":\"call-1\",\"delta\":{\"role\":\"agent\","
            "\"content\":\"he\"},\"finish_reason\":null}\n\n");
  EXPECT_EQ(record.pieces[1].first,
            "id: 3\ndata: {\"id\":\"call-1\",\"delta\":{\"content\":\"llo\\n\"}"
            ",\"finish_reason\":null}\n\n");
  writer.end(summary(4));
  EXPECT_TRUE(record.has_ended);
  EXPECT_THAT(record.last_piece, testing::StartsWith("id: 4\ndata: {"));
  EXPECT_THAT(record.last_piece, HasSubstr("\"finish_reason\":\"length\""));
  EXPECT_THAT(record.last_piece, HasSubstr("\"seed\":7"));
  EXPECT_THAT(record.last_piece, testing::EndsWith("\n\ndata: [DONE]\n\n"));
}

TEST_F(streamed_answer_test, writes_logprobs_beside_their_text) {
  writer.begin({});
  writer.text("he", 1, std::vector<token>{{1, "he", -0.5f}});
  EXPECT_THAT(record.pieces[0].first,
              HasSubstr(R"(},"logprobs":{"content":[{"token":"he",)"));
}

TEST_F(streamed_answer_test, names_the_role_even_if_the_reply_is_empty) {
  writer.begin({});
  writer.end(summary(0));
  EXPECT_THAT(record.last_piece, HasSubstr("\"role\":\"agent\""));
}

TEST_F(streamed_answer_test, fails_with_a_status_before_the_beginning) {
  writer.fail({errc::queue_full, "full", "", 4});
  EXPECT_TRUE(record.has_sent);
  EXPECT_FALSE(record.has_begun);
  EXPECT_EQ(record.response.status, 429u);
}

TEST_F(streamed_answer_test, fails_with_an_event_and_no_done_afterwards) {
  writer.begin({});
  writer.text("x", 1, {});
  writer.fail({errc::model_failed, "NaN", "", 0});
  EXPECT_TRUE(record.has_ended);
  EXPECT_EQ(record.last_piece,
            "data: {\"error\":{\"message\":\"NaN\",\"type\":\"server_error\","
            "\"param\":null,\"code\":\"model_failed\"}}\n\n");
  EXPECT_EQ(record.body().find("[DONE]"), std::string::npos);
}

TEST_F(streamed_answer_test, pings_with_a_comment) {
  writer.begin({});
  writer.ping();
  EXPECT_EQ(record.body(), ": ping\n\n");
  EXPECT_TRUE(writer.reports_progress());
}

TEST_F(streamed_answer_test, a_ping_may_be_the_beginning) {
  writer.ping();
  EXPECT_TRUE(record.has_begun);
  writer.begin({});
  writer.text("x", 1, {});
  EXPECT_TRUE(record.body().starts_with(": ping\n\nid: 1\n"));
}

TEST_F(streamed_answer_test, fails_with_an_event_after_a_ping) {
  writer.ping();
  writer.fail({errc::queue_full, "full", "", 4});
  EXPECT_TRUE(record.has_ended);
  EXPECT_FALSE(record.has_sent);
}

TEST(whole_answer_test, sends_everything_at_the_end) {
  recorded_answer record;
  auto writer = whole_choice(record, format());
  writer.begin({});
  writer.text("he", 1, {});
  writer.ping();
  writer.text("llo", 2, {});
  EXPECT_FALSE(record.has_sent);
  EXPECT_FALSE(writer.reports_progress());
  writer.end(summary(2));
  EXPECT_EQ(record.response.status, 200u);
  EXPECT_THAT(record.response.body, HasSubstr("\"content\":\"hello\""));
}

TEST(whole_answer_test, gathers_logprobs_if_they_are_asked_for) {
  recorded_answer record;
  auto writer = whole_choice(record, format(true));
  writer.begin({});
  writer.text("he", 1, std::vector<token>{{1, "he", -0.5f}});
  writer.text("", 2, std::vector<token>{{2, "", -0.25f}});
  writer.end(summary(2));
  EXPECT_THAT(record.response.body,
              HasSubstr(R"("logprobs":{"content":[{"token":"he",)"));
  EXPECT_THAT(record.response.body, HasSubstr(R"("logprob":-0.25)"));
}

TEST(whole_answer_test, fails_with_a_status_at_any_time) {
  recorded_answer record;
  auto writer = whole_choice(record, format());
  writer.begin({});
  writer.text("he", 1, {});
  writer.fail({errc::worker_lost, "gone", "", 0});
  EXPECT_EQ(record.response.status, 500u);
  EXPECT_THAT(record.response.headers,
              Contains(Pair("x-should-retry", "false")));
}

} // namespace
} // namespace model_server
