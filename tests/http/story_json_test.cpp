// Stories as clients read them.
#include "http/story_json.hpp"

#include <gtest/gtest.h>

namespace model_server {
namespace {

using namespace std::chrono_literals;

reply_story told() {
  reply_story result;
  result.names = {"mine",
                  "call-1",
                  {},
                  std::chrono::system_clock::time_point{1709251198007ms}};
  result.model = "m";
  result.device = "cpu";
  result.prompt_tokens = 12;
  result.completion_tokens = 2;
  result.cached_tokens = 4;
  result.events = {{}};
  return result;
}

TEST(story_json_test, tells_every_step_with_what_it_knows) {
  auto story = told();
  story.is_over = true;
  story.steps.add(1);
  story.steps.add(4);
  story.events.push_back(
      {.step = story_step::placed, .at = 1ms, .device = "cpu"});
  story.events.push_back({.step = story_step::prompt_read,
                          .at = 2ms,
                          .device = "cpu",
                          .prompt_steps = 3,
                          .prompt_time = 500us,
                          .cached_tokens = 4});
  story.events.push_back({.step = story_step::left,
                          .at = 3ms,
                          .device = "cpu",
                          .reason = "broke"});
  story.events.push_back({.step = story_step::moved,
                          .at = 4ms,
                          .device = "virtual:0",
                          .from = "cpu"});
  story.events.push_back(
      {.step = story_step::ended, .at = 5ms, .reason = "stop"});
  EXPECT_EQ(
      story_json({{story}}),
      R"({"id":"call-1","request_id":"mine","model":"m",)"
      R"("received":"2024-02-29T23:59:58.007Z","state":"done","trace":null,)"
      R"("replies":[{"index":0,"state":"done","device":"cpu",)"
      R"("usage":{"prompt_tokens":12,"completion_tokens":2,"cached_tokens":4},)"
      R"("steps":{"count":2,"batch_size":{"min":1,"mean":2.5,"max":4}},)"
      R"("events":[{"event":"queued","at":0.0},)"
      R"({"event":"placed","at":0.001,"device":"cpu"},)"
      R"({"event":"prompt_read","at":0.002,"device":"cpu","steps":3,)"
      R"("seconds":0.0005,"cached_tokens":4},)"
      R"({"event":"left","at":0.003,"device":"cpu","reason":"broke"},)"
      R"({"event":"moved","at":0.004,"from":"cpu","to":"virtual:0"},)"
      R"({"event":"ended","at":0.005,"reason":"stop"}],)"
      R"("events_left_out":0}]})");
}

TEST(story_json_test, a_request_runs_as_long_as_one_of_its_replies) {
  auto first = told(), second = told();
  first.is_over = true;
  second.index = 1;
  second.device.clear();
  auto text = story_json({{first, second}});
  EXPECT_NE(text.find(R"("state":"running","trace")"), text.npos) << text;
  EXPECT_NE(text.find(R"("index":1,"state":"running","device":null)"),
            text.npos)
      << text;
}

TEST(story_json_test, tells_of_the_trace) {
  auto story = told();
  story.names.trace = {"4bf9", "00f0", true, "a=b"};
  auto text = story_json({{story}});
  EXPECT_NE(text.find(R"("trace":{"trace_id":"4bf9","span_id":"00f0",)"
                      R"("sampled":true,"state":"a=b"})"),
            text.npos)
      << text;
}

} // namespace
} // namespace model_server
