// Embeddings go through the same workers as replies.
#include "tests/support/serving_fixture.hpp"

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>

#include <gmock/gmock.h>

#include <functional>
#include <map>

namespace model_server {

namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class worker_embedding_test : public serving_fixture {
protected:
  worker_embedding_test() {
    serving.batch_size = 2;
    serving.max_queued = 3;
    serving.restart_limit = 0;
    plan->vocabulary = 100;
    plan->embedding_width = 4;
    plan->context_length = 10;
    writing->replies["hello"] = numbered_reply(4);
    open({{"m", plan}, {"chat", writing}});
    add("m", "cpu");
    add("chat", "cpu");
  }

  // An input of this length that begins with this token.
  reply_options input(token_id first, std::size_t length = 1) {
    auto options = asking("m", "");
    options.request.task = request_task::embedding;
    options.request.prompt = {};
    options.request.prompt.form = prompt_form::tokens;
    options.request.prompt.tokens.assign(length, first);
    return options;
  }

  // Steps make nothing before this one, and meanwhile things happen.
  void stall_until(int step, std::map<int, std::function<void()>> events) {
    auto now = std::make_shared<int>(0);
    plan->stalls = true;
    plan->before_step = [this, now, step, events = std::move(events)] {
      plan->stalls = ++*now < step;
      if (auto found = events.find(*now); found != events.end())
        found->second();
    };
  }

  failure refusal(reply_options options) {
    auto reply = start(std::move(options));
    advance(100ms);
    EXPECT_EQ(reply.client->broken, "");
    return reply.client->failed.value_or(failure{errc::none, "", "", 0});
  }

  std::shared_ptr<script> plan = std::make_shared<script>();
  std::shared_ptr<script> writing = std::make_shared<script>();
};

void expect_embedding(const running_reply& reply, float value,
                      std::size_t width = 4) {
  ASSERT_TRUE(reply.client->end);
  EXPECT_EQ(reply.client->broken, "");
  EXPECT_EQ(reply.client->text, "");
  EXPECT_EQ(reply.client->end->embedding, std::vector<float>(width, value));
}

} // namespace

TEST_F(worker_embedding_test, makes_one_vector_and_no_text) {
  auto reply = start(input(7, 3));
  advance(100ms);
  expect_embedding(reply, 7);
  EXPECT_EQ(reply.client->end->prompt_tokens, 3u);
  EXPECT_EQ(reply.client->end->completion_tokens, 0u);
  EXPECT_EQ(reply.client->end->device, "cpu");
  EXPECT_THAT(plan->steps, SizeIs(1));
  EXPECT_THAT(plan->released, SizeIs(1));
}

TEST_F(worker_embedding_test, a_step_takes_as_many_as_the_batch_has_places) {
  std::vector<running_reply> all;
  for (token_id i = 1; i <= 5; ++i)
    all.push_back(start(input(i)));
  stall_until(20, {}); // until all have come
  advance(1s);
  for (std::size_t i = 0; i < 5; ++i)
    expect_embedding(all[i], static_cast<float>(i + 1));
  ASSERT_THAT(plan->steps, SizeIs(22));
  EXPECT_THAT(plan->steps[19], ElementsAre("1", "2"));
  EXPECT_THAT(plan->steps[20], ElementsAre("3", "4"));
  EXPECT_THAT(plan->steps[21], ElementsAre("5"));
}

TEST_F(worker_embedding_test, fewer_dimensions_are_passed_to_the_model) {
  auto options = input(3);
  options.request.dimensions = 2;
  auto reply = start(std::move(options));
  advance(100ms);
  expect_embedding(reply, 3, 2);
}

TEST_F(worker_embedding_test, refuses_more_dimensions_than_there_are) {
  auto options = input(3);
  options.request.dimensions = 5;
  auto what = refusal(std::move(options));
  EXPECT_EQ(what.code, errc::out_of_range);
  EXPECT_EQ(what.param, "dimensions");
  EXPECT_THAT(what.message, HasSubstr("5"));
  EXPECT_THAT(what.message, HasSubstr("4"));
}

TEST_F(worker_embedding_test, a_text_may_fill_the_context_and_no_more) {
  auto reply = start(input(1, 10));
  advance(100ms);
  expect_embedding(reply, 1);
  auto what = refusal(input(1, 11));
  EXPECT_EQ(what.code, errc::context_length_exceeded);
  EXPECT_EQ(what.param, "input");
  EXPECT_THAT(what.message, HasSubstr("11 tokens"));
  EXPECT_THAT(what.message, HasSubstr("10"));
}

TEST_F(worker_embedding_test, refuses_tokens_that_the_model_does_not_have) {
  auto what = refusal(input(100));
  EXPECT_EQ(what.code, errc::out_of_range);
  EXPECT_EQ(what.param, "input[0]");
}

TEST_F(worker_embedding_test, each_kind_of_model_refuses_the_other_task) {
  EXPECT_EQ(refusal(asking("m", "hello")).code, errc::wrong_task);
  auto options = input(1);
  options.request.model = "chat";
  auto what = refusal(std::move(options));
  EXPECT_EQ(what.code, errc::wrong_task);
  EXPECT_EQ(what.param, "model");
}

TEST_F(worker_embedding_test, a_lost_worker_costs_nothing_but_time) {
  bool is_first = true;
  plan->before_token = [&](const std::string& name,
                           std::size_t) -> std::string {
    if (name == "2" && std::exchange(is_first, false))
      throw std::runtime_error("once only");
    return "";
  };
  std::vector<running_reply> all;
  for (token_id i = 1; i <= 3; ++i)
    all.push_back(start(input(i)));
  advance(10s);
  EXPECT_FALSE(is_first);
  for (std::size_t i = 0; i < 3; ++i)
    expect_embedding(all[i], static_cast<float>(i + 1));
}

TEST_F(worker_embedding_test, one_that_breaks_workers_ends_and_no_other) {
  plan->before_token = [](const std::string& name, std::size_t) -> std::string {
    if (name == "13")
      throw std::runtime_error("this one is poison");
    return "";
  };
  auto good = start(input(1));
  auto poison = start(input(13));
  advance(20s);
  expect_embedding(good, 1);
  ASSERT_TRUE(poison.client->failed);
  // Nobody tells actors of one process who was in the step.
  EXPECT_THAT((std::vector{errc::poison_request, errc::worker_lost}),
              ::testing::Contains(poison.client->failed->code));
}

TEST_F(worker_embedding_test, numbers_that_are_none_fail_alone) {
  plan->before_token = [](const std::string& name, std::size_t) {
    return name == "2" ? "the numbers are none" : "";
  };
  auto good = start(input(1));
  auto bad = start(input(2));
  advance(100ms);
  expect_embedding(good, 1);
  ASSERT_TRUE(bad.client->failed);
  EXPECT_EQ(bad.client->failed->code, errc::model_failed);
}

TEST_F(worker_embedding_test, a_client_that_leaves_frees_its_place) {
  auto first = start(input(1));
  auto second = start(input(2));
  auto third = start(input(3));
  stall_until(20, {{5, [&] {
                      caf::anon_send(first.actor, client_left{});
                      caf::anon_send(second.actor, client_left{});
                    }}});
  advance(1s);
  EXPECT_FALSE(first.client->has_ended());
  EXPECT_TRUE(first.client->is_closed);
  expect_embedding(third, 3);
  EXPECT_THAT(plan->released, SizeIs(3));
}

TEST_F(worker_embedding_test, who_has_the_right_of_way_passes_a_full_queue) {
  std::vector<running_reply> all;
  for (token_id i = 1; i <= 5; ++i)
    all.push_back(start(input(i)));
  running_reply refused;
  stall_until(40, {{10, [&] { refused = start(input(6)); }},
                   {20, [&] {
                      auto options = input(7);
                      options.has_right_of_way = true;
                      all.push_back(start(std::move(options)));
                    }}});
  advance(1s);
  ASSERT_TRUE(refused.client->failed);
  EXPECT_EQ(refused.client->failed->code, errc::queue_full);
  ASSERT_THAT(all, SizeIs(6));
  for (const auto& reply : all)
    EXPECT_TRUE(reply.client->end);
  EXPECT_THAT(plan->steps.back(), ElementsAre("5", "7")); // in its turn
}

TEST_F(worker_embedding_test, who_has_the_right_of_way_passes_a_drain) {
  auto first = start(input(1));
  running_reply second, refused;
  std::shared_ptr<pending_answer<std::uint32_t>> drained;
  stall_until(
      60, {{10, [&] { drained = begin_ask<std::uint32_t>(door, drain{10s}); }},
           {30, [&] {
              auto options = input(2);
              options.has_right_of_way = true;
              second = start(std::move(options));
              refused = start(input(3));
            }}});
  advance(1s);
  ASSERT_TRUE(refused.client->failed);
  EXPECT_EQ(refused.client->failed->code, errc::shutting_down);
  expect_embedding(first, 1);
  expect_embedding(second, 2);
  EXPECT_EQ(drained->value, 0u);
}

TEST_F(worker_embedding_test, a_removed_device_gives_its_texts_to_another) {
  add("m", "virtual:0");
  auto reply = start(input(1));
  stall_until(60, {{5, [&] {
                      begin_ask<device_report>(door, remove_device{"m", "cpu"});
                    }}});
  advance(1s);
  expect_embedding(reply, 1);
  EXPECT_EQ(reply.client->end->device, "virtual:0");
}

TEST_F(worker_embedding_test, travels_between_processes) {
  auto options = input(5);
  submit order;
  order.request = options.request;
  order.request.dimensions = 3;
  order.has_right_of_way = true;
  token_chunk chunk;
  chunk.embedding = {0.5f, -0.0f, 1e-30f};
  auto message = caf::make_message(order, chunk);
  std::vector<char> bytes;
  caf::binary_serializer sink{system, bytes};
  ASSERT_FALSE(sink(message));
  caf::message read;
  caf::binary_deserializer source{system, bytes};
  ASSERT_FALSE(source(read));
  EXPECT_EQ(read.get_as<submit>(0), order);
  EXPECT_EQ(read.get_as<token_chunk>(1), chunk);
}

} // namespace model_server
