// What is told of one reply: each event counts once, and is written down.
#include "actors/reply_record.hpp"

#include "tests/support/figures_scrape.hpp"

#include <gmock/gmock.h>

namespace model_server {
namespace {

using namespace std::chrono_literals;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::SizeIs;

class reply_record_test : public testing::Test {
protected:
  reply_record_test() {
    counted->add_device("m", "cpu");
    counted->add_device("m", "virtual:0");
    reply_story begun;
    begun.model = "m";
    subject = reply_record{counted, begun, true, start};
  }

  static token_chunk chunk(std::uint32_t batch, std::uint32_t cached = 0,
                           prompt_reading reading = {}) {
    token_chunk result;
    result.batch_size = batch;
    result.cached_tokens = cached;
    result.reading = reading;
    return result;
  }

  double value(const std::string& series) const {
    return scrape_of(*counted).value("model_server_" + series);
  }

  std::vector<story_step> steps() const {
    std::vector<story_step> result;
    for (const auto& event : subject.story().events)
      result.push_back(event.step);
    return result;
  }

  const reply_record::time_point start{1h};
  std::shared_ptr<figures> counted = std::make_shared<figures>();
  reply_record subject;
};

TEST_F(reply_record_test, tells_of_a_reply_that_ends_well) {
  subject.placed({1, "cpu", 12}, start + 10ms);
  subject.made(chunk(3, 4, {2, 30ms}), 1, start + 50ms);
  subject.made(chunk(1), 1, start + 70ms);
  subject.made(chunk(2), 0, start + 90ms); // its end token
  subject.finished(finish_reason::stop, start + 90ms);

  EXPECT_EQ(value(R"(prompt_tokens_total{model="m"})"), 12);
  EXPECT_EQ(value(R"(generation_tokens_total{device="cpu",model="m"})"), 2);
  EXPECT_EQ(value(R"(prefix_cache_query_tokens_total{device="cpu",model="m"})"),
            12);
  EXPECT_EQ(value(R"(prefix_cache_hit_tokens_total{device="cpu",model="m"})"),
            4);
  EXPECT_EQ(value(R"(requests_total{model="m",outcome="stop"})"), 1);
  EXPECT_THAT(value(R"(time_to_first_token_seconds_sum{model="m"})"),
              DoubleNear(0.05, 1e-9));
  EXPECT_THAT(value(R"(inter_token_seconds_sum{model="m"})"),
              DoubleNear(0.02, 1e-9));
  // What was not spent on reading the prompt.
  EXPECT_THAT(value(R"(queue_seconds_sum{model="m"})"), DoubleNear(0.02, 1e-9));
  EXPECT_THAT(value(R"(request_seconds_sum{model="m"})"),
              DoubleNear(0.09, 1e-9));

  const auto& story = subject.story();
  EXPECT_TRUE(story.is_over);
  EXPECT_EQ(story.prompt_tokens, 12u);
  EXPECT_EQ(story.completion_tokens, 2u);
  EXPECT_EQ(story.cached_tokens, 4u);
  EXPECT_EQ(story.steps, (step_summary{2, 1, 3, 4}));
  EXPECT_THAT(steps(), ElementsAre(story_step::queued, story_step::placed,
                                   story_step::prompt_read, story_step::ended));
  EXPECT_EQ(story.events[2], (story_event{story_step::prompt_read, 50ms, "cpu",
                                          "", "", 2, 30ms, 4}));
  EXPECT_EQ(story.events[3].reason, "stop");
}

TEST_F(reply_record_test, a_resumed_reply_is_one_with_one_resume) {
  subject.placed({1, "cpu", 12}, start);
  subject.made(chunk(1), 1, start + 1s);
  subject.left("its process was ended by signal 9", start + 2s);
  subject.placed({2, "virtual:0", 12}, start + 3s);
  subject.made(chunk(1), 1, start + 4s);
  subject.finished(finish_reason::length, start + 5s);

  EXPECT_EQ(value(R"(resumes_total{model="m"})"), 1);
  EXPECT_EQ(value(R"(prompt_tokens_total{model="m"})"), 12);
  EXPECT_EQ(value(R"(time_to_first_token_seconds_count{model="m"})"), 1);
  EXPECT_EQ(value(R"(queue_seconds_count{model="m"})"), 1);
  // The outage is a gap that its client saw.
  EXPECT_EQ(value(R"(inter_token_seconds_sum{model="m"})"), 3);
  EXPECT_EQ(value(R"(generation_tokens_total{device="virtual:0",model="m"})"),
            1);
  const auto& events = subject.story().events;
  ASSERT_THAT(events, SizeIs(7));
  EXPECT_EQ(events[3],
            (story_event{.step = story_step::left,
                         .at = 2s,
                         .device = "cpu",
                         .reason = "its process was ended by signal 9"}));
  EXPECT_EQ(events[4], (story_event{.step = story_step::moved,
                                    .at = 3s,
                                    .device = "virtual:0",
                                    .from = "cpu"}));
}

TEST_F(reply_record_test, refusals_and_failures_are_told_apart) {
  subject.failed({errc::queue_full, "full", "", 1}, start);
  EXPECT_EQ(value(R"(rejects_total{model="m",reason="queue_full"})"), 1);
  EXPECT_EQ(value(R"(requests_total{model="m",outcome="rejected"})"), 1);
  reply_story begun;
  begun.model = "m";
  subject = reply_record{counted, begun, true, start};
  subject.placed({1, "cpu", 1}, start);
  subject.suspected();
  subject.failed({errc::poison_request, "broke", "", 0}, start);
  EXPECT_EQ(value(R"(failures_total{model="m",reason="poison_request"})"), 1);
  EXPECT_EQ(value(R"(requests_total{model="m",outcome="failed"})"), 1);
  EXPECT_EQ(value(R"(suspects_total{model="m"})"), 1);
  EXPECT_EQ(value(R"(rejects_total{model="m",reason="queue_full"})"), 1);
}

TEST_F(reply_record_test, what_only_waited_was_refused) {
  subject.placed({1, "cpu", 1}, start);
  subject.failed({errc::queue_timeout, "late", "", 1}, start);
  EXPECT_EQ(value(R"(rejects_total{model="m",reason="queue_timeout"})"), 1);
  EXPECT_EQ(value(R"(requests_total{model="m",outcome="rejected"})"), 1);
}

TEST_F(reply_record_test, what_had_begun_has_failed) {
  subject.placed({1, "cpu", 1}, start);
  token_chunk chunk;
  chunk.tokens = {{7, "x"}};
  subject.made(chunk, 1, start);
  // Another reply of its request waited too long.
  subject.failed({errc::queue_timeout, "late", "", 1}, start);
  EXPECT_EQ(value(R"(failures_total{model="m",reason="queue_timeout"})"), 1);
  EXPECT_EQ(value(R"(requests_total{model="m",outcome="failed"})"), 1);
  EXPECT_EQ(value(R"(rejects_total{model="m",reason="queue_timeout"})"), 0);
}

TEST_F(reply_record_test, a_prompt_that_others_share_counts_once) {
  reply_story begun;
  begun.model = "m";
  reply_record other{counted, begun, false, start};
  for (auto* each : {&subject, &other})
    each->placed({1, "cpu", 12}, start);
  EXPECT_EQ(value(R"(prompt_tokens_total{model="m"})"), 12);
}

TEST_F(reply_record_test, keeps_the_first_events_and_the_last) {
  for (int i = 0; i < 100; ++i) {
    subject.placed({1, "cpu", 1}, start);
    subject.left("again", start);
  }
  subject.client_left(start);
  EXPECT_THAT(subject.story().events, SizeIs(most_story_events));
  EXPECT_EQ(subject.story().events.back().step, story_step::ended);
  EXPECT_EQ(subject.story().events_left_out, 202 - most_story_events);
  EXPECT_EQ(value(R"(cancels_total{model="m"})"), 1);
}

TEST_F(reply_record_test, has_a_story_where_nothing_is_counted) {
  reply_story begun;
  begun.model = "no such model";
  reply_record lone{counted, begun, true, start};
  lone.failed({errc::model_not_found, "none", "", 0}, start);
  EXPECT_EQ(lone.story().events.back().reason, "model_not_found");
  EXPECT_FALSE(scrape_of(*counted).has(
      R"(model_server_requests_total{model="no such model",outcome="rejected"})"));
}

} // namespace
} // namespace model_server
