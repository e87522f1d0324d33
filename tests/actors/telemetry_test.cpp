// What happens to replies is counted once each, whatever happens to them.
#include "tests/support/figures_scrape.hpp"
#include "tests/support/serving_fixture.hpp"

#include <gmock/gmock.h>

namespace model_server {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::SizeIs;

class telemetry_test : public serving_fixture {
protected:
  telemetry_test() {
    serving.max_queued = 1;
    serving.batch_size = 1;
    plan->replies["hello"] = numbered_reply(6);
    plan->replies["hi"] = numbered_reply(6);
    plan->replies["long"] = numbered_reply(30);
    open({{"m", plan}});
    add("m", "cpu");
    run();
  }

  double value(const std::string& series) const {
    return scrape_of(*telemetry.figures).value("model_server_" + series);
  }

  std::vector<reply_story> stories_of(const std::string& id) {
    return ask<request_stories>(telemetry.history, get_stories{id}).replies;
  }

  /// Calls `act` before the reply's token of this number is made.
  void before_token(std::size_t number, std::function<void()> act) {
    auto done = std::make_shared<bool>(false);
    plan->before_token = [=](const std::string&, std::size_t made) {
      if (made == number && !std::exchange(*done, true))
        act();
      return "";
    };
  }

  std::shared_ptr<script> plan = std::make_shared<script>();
  reply_actor leaving;
};

TEST_F(telemetry_test, agrees_with_the_usage_of_replies) {
  plan->cached_tokens = 2;
  auto first = start("m", "hello");
  run();
  auto second = start("m", "hi");
  run();
  ASSERT_TRUE(first.client->end && second.client->end);
  EXPECT_EQ(value(R"(prompt_tokens_total{model="m"})"),
            first.client->end->prompt_tokens
                + second.client->end->prompt_tokens);
  EXPECT_EQ(value(R"(generation_tokens_total{device="cpu",model="m"})"),
            first.client->end->completion_tokens
                + second.client->end->completion_tokens);
  EXPECT_EQ(value(R"(prefix_cache_hit_tokens_total{device="cpu",model="m"})"),
            4);
  EXPECT_EQ(value(R"(requests_total{model="m",outcome="stop"})"), 2);
  EXPECT_EQ(value(R"(resumes_total{model="m"})"), 0);
}

TEST_F(telemetry_test, counts_each_step_of_a_worker_once) {
  serving.batch_size = 4;
  open({{"m", plan}});
  add("m", "cpu");
  start("m", "hello");
  start("m", "hi");
  advance(2s);
  // Six tokens and the end of each, side by side.
  EXPECT_EQ(value(R"(batch_size_sum{device="cpu",model="m"})"), 14);
  EXPECT_EQ(value(R"(batch_size_bucket{device="cpu",model="m",le="2"})"),
            value(R"(batch_size_count{device="cpu",model="m"})"));
  // The next worker there counts from its own beginning.
  plan->before_step = [] { throw std::runtime_error("broken"); };
  auto lost = start("m", "hello");
  run();
  plan->before_step = nullptr;
  advance(5s);
  ASSERT_TRUE(lost.client->end);
  EXPECT_EQ(value(R"(batch_size_sum{device="cpu",model="m"})"), 21);
}

TEST_F(telemetry_test, a_lost_worker_is_one_restart_and_one_resume) {
  add("m", "virtual:0");
  before_token(3, [this] { kill(workers[0]); });
  auto reply = start("m", "hello");
  advance(5s);
  ASSERT_TRUE(reply.client->end);
  EXPECT_EQ(value(R"(resumes_total{model="m"})"), 1);
  EXPECT_EQ(value(R"(worker_restarts_total{device="cpu",model="m"})"), 1);
  EXPECT_EQ(value(R"(worker_restarts_total{device="virtual:0",model="m"})"), 0);
  EXPECT_EQ(value(R"(generation_tokens_total{device="cpu",model="m"})")
                + value(R"(generation_tokens_total{device="virtual:0",)"
                        R"(model="m"})"),
            6);
  EXPECT_EQ(value(R"(time_to_first_token_seconds_count{model="m"})"), 1);
  EXPECT_EQ(value(R"(requests_total{model="m",outcome="stop"})"), 1);
  auto stories = stories_of("call-1");
  ASSERT_THAT(stories, SizeIs(1));
  auto moved = std::ranges::find(stories[0].events, story_step::moved,
                                 &story_event::step);
  ASSERT_NE(moved, stories[0].events.end());
  EXPECT_EQ(moved->from, "cpu");
  EXPECT_EQ(moved->device, "virtual:0");
  EXPECT_EQ(std::prev(moved)->step, story_step::left);
  EXPECT_FALSE(std::prev(moved)->reason.empty());
}

TEST_F(telemetry_test, a_removed_device_is_a_resume_and_no_restart) {
  add("m", "virtual:0");
  before_token(3, [this] {
    begin_ask<device_report>(door, remove_device{"m", "cpu"});
  });
  auto reply = start("m", "long");
  advance(5s);
  ASSERT_TRUE(reply.client->end);
  EXPECT_EQ(value(R"(resumes_total{model="m"})"), 1);
  EXPECT_EQ(value(R"(worker_restarts_total{device="cpu",model="m"})"), 0);
  EXPECT_EQ(value(R"(suspects_total{model="m"})"), 0);
  // What was counted there stays.
  auto on_cpu = value(R"(generation_tokens_total{device="cpu",model="m"})");
  EXPECT_GE(on_cpu, 3);
  EXPECT_EQ(on_cpu
                + value(R"(generation_tokens_total{device="virtual:0",)"
                        R"(model="m"})"),
            30);
}

TEST_F(telemetry_test, a_poisonous_request_is_a_suspect_once_and_fails_once) {
  plan->before_token = [](const std::string& turn, std::size_t number) {
    if (turn == "hello" && number == 3)
      throw std::runtime_error("broken");
    return "";
  };
  auto reply = start("m", "hello");
  advance(20s);
  ASSERT_TRUE(reply.client->failed);
  EXPECT_EQ(reply.client->failed->code, errc::poison_request);
  EXPECT_EQ(value(R"(suspects_total{model="m"})"), 1);
  EXPECT_EQ(value(R"(failures_total{model="m",reason="poison_request"})"), 1);
  EXPECT_EQ(value(R"(requests_total{model="m",outcome="failed"})"), 1);
  EXPECT_EQ(value(R"(worker_restarts_total{device="cpu",model="m"})"), 2);
}

TEST_F(telemetry_test, a_full_queue_is_one_reject) {
  plan->stalls = true;
  auto first = start("m", "hello");
  auto second = start("m", "hello");
  auto third = start("m", "hello");
  run(200);
  ASSERT_TRUE(third.client->failed);
  EXPECT_EQ(value(R"(rejects_total{model="m",reason="queue_full"})"), 1);
  EXPECT_EQ(value(R"(requests_total{model="m",outcome="rejected"})"), 1);
  plan->stalls = false;
  run();
  EXPECT_EQ(value(R"(requests_total{model="m",outcome="stop"})"), 2);
}

TEST_F(telemetry_test, a_client_that_leaves_is_one_cancel) {
  before_token(3, [this] { caf::anon_send(leaving, client_left{}); });
  auto reply = start("m", "hello");
  leaving = reply.actor;
  advance(1s);
  leaving = nullptr;
  EXPECT_TRUE(reply.client->is_closed);
  EXPECT_EQ(value(R"(cancels_total{model="m"})"), 1);
  EXPECT_EQ(value(R"(requests_total{model="m",outcome="cancelled"})"), 1);
  EXPECT_EQ(stories_of("request-1")[0].events.back().reason, "client_left");
}

TEST_F(telemetry_test, an_unknown_model_counts_nowhere_and_has_a_story) {
  auto reply = start("made/up", "hello");
  run();
  ASSERT_TRUE(reply.client->failed);
  auto seen = scrape_of(*telemetry.figures);
  for (const auto& [series, count] : seen.values())
    EXPECT_THAT(series, testing::Not(HasSubstr("made/up")));
  EXPECT_EQ(stories_of("call-1")[0].events.back().reason, "model_not_found");
}

TEST_F(telemetry_test, a_reply_in_progress_tells_how_far_it_is) {
  auto options = asking("m", "hello");
  options.credit = 3;
  auto reply = start(std::move(options), true);
  advance(1s);
  auto seen = stories_of("call-1");
  ASSERT_THAT(seen, SizeIs(1));
  EXPECT_FALSE(seen[0].is_over);
  EXPECT_EQ(seen[0].completion_tokens, 3u);
  EXPECT_EQ(seen[0].steps, (step_summary{3, 1, 1, 3}));
  caf::anon_send(reply.actor, client_left{});
  run();
  EXPECT_TRUE(stories_of("call-1")[0].is_over);
}

} // namespace
} // namespace model_server
