// The gateway with its supervisors: routing, status, draining.
#include "tests/support/serving_fixture.hpp"

#include <gmock/gmock.h>

namespace model_server {

namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class gateway_test : public serving_fixture {
protected:
  gateway_test() {
    one->replies["hello"] = numbered_reply(6);
    two->replies["hello"] = {"zwei"};
    open({{"one", one}, {"two", two}});
  }

  std::shared_ptr<script> one = std::make_shared<script>();
  std::shared_ptr<script> two = std::make_shared<script>();
};

} // namespace

TEST_F(gateway_test, finds_the_model_by_its_name) {
  add("one");
  add("two");
  auto a = start("one", "hello"), b = start("two", "hello");
  run();
  EXPECT_EQ(a.client->text, "1 2 3 4 5 6");
  EXPECT_EQ(b.client->text, "zwei");
}

TEST_F(gateway_test, tells_the_names_it_knows) {
  auto reply = start("three", "hello");
  run();
  ASSERT_TRUE(reply.client->failed);
  EXPECT_EQ(*reply.client->failed,
            (failure{errc::model_not_found,
                     "there is no model 'three'; there are: one, two", "", 0}));
  EXPECT_EQ(
      ask_failure<device_report>(door, add_device{"three", "", true}).code,
      errc::model_not_found);
  EXPECT_EQ(ask_failure<device_report>(door, remove_device{"three", ""}).code,
            errc::model_not_found);
  EXPECT_EQ(ask_failure<device_report>(door, activate_model{"three", ""}).code,
            errc::model_not_found);
}

TEST_F(gateway_test, tells_no_more_than_ten_names) {
  std::vector<std::pair<std::string, std::shared_ptr<script>>> many;
  for (int i = 0; i < 13; ++i)
    many.emplace_back("m" + std::to_string(i), one);
  open(many);
  auto refused = ask_failure<device_report>(door, activate_model{"x", ""});
  EXPECT_THAT(refused.message, HasSubstr("m8, m9 and 3 more"));
}

TEST_F(gateway_test, says_so_when_there_is_no_model_at_all) {
  open({});
  auto refused = ask_failure<device_report>(door, activate_model{"x", ""});
  EXPECT_THAT(refused.message, HasSubstr("there are: none"));
  EXPECT_TRUE(ask<server_status>(door, get_status{}).models.empty());
}

TEST_F(gateway_test, gathers_the_status_in_the_order_of_the_models) {
  add("two");
  auto status = ask<server_status>(door, get_status{});
  ASSERT_EQ(status.models.size(), 2u);
  EXPECT_EQ(status.models[0].name, "one");
  EXPECT_EQ(status.models[0].state, model_state::inactive);
  EXPECT_EQ(status.models[1].name, "two");
  EXPECT_EQ(status.models[1].state, model_state::ready);
  EXPECT_FALSE(status.draining);
}

TEST_F(gateway_test, lists_machines_with_their_devices) {
  auto other = system.spawn(thread_node, thread_node_options{});
  ask<caf::ok_atom>(door, node_here{"b", {{"cuda:0", true, 1}}, {}}, other);
  EXPECT_EQ(ask<server_status>(door, get_status{}).nodes,
            (std::vector<node_status>{{"local", {"cpu"}}, {"b", {"cuda:0"}}}));
  caf::anon_send_exit(other, caf::exit_reason::kill);
  run();
  EXPECT_EQ(ask<server_status>(door, get_status{}).nodes.size(), 1u);
}

TEST_F(gateway_test, a_model_that_breaks_leaves_the_others_alone) {
  add("one");
  add("two");
  two->replies["hello"] = {};
  two->before_step = [] { throw std::runtime_error("broken"); };
  auto harmed = start("two", "hello");
  auto unharmed = start("one", "hello");
  run();
  EXPECT_EQ(unharmed.client->text, "1 2 3 4 5 6");
  EXPECT_EQ(unharmed.client->end->completion_tokens, 6u);
  EXPECT_FALSE(harmed.client->end);
  EXPECT_EQ(status_of("one").state, model_state::ready);
  EXPECT_EQ(status_of("one").entities[0].restarts, 0u);
  EXPECT_EQ(status_of("two").state, model_state::loading);
  EXPECT_EQ(status_of("two").entities[0].reason, "broken");
}

TEST_F(gateway_test, drains_at_once_when_nothing_is_open) {
  EXPECT_EQ(ask<std::uint32_t>(door, drain{10s}), 0u);
}

TEST_F(gateway_test, a_drain_waits_for_open_replies_and_takes_no_more) {
  add("one");
  auto reply = start_slow("one");
  auto drained = begin_ask<std::uint32_t>(door, drain{10s});
  run();
  EXPECT_FALSE(drained->has_come());
  EXPECT_TRUE(ask<server_status>(door, get_status{}).draining);
  auto late = start("one", "hello");
  run();
  ASSERT_TRUE(late.client->failed);
  EXPECT_EQ(late.client->failed->code, errc::shutting_down);
  EXPECT_EQ(ask_failure<device_report>(door, add_device{"one", "", true}).code,
            errc::shutting_down);
  take_all(reply);
  EXPECT_EQ(reply.client->text, "1 2 3 4 5 6");
  ASSERT_TRUE(drained->value);
  EXPECT_EQ(*drained->value, 0u);
}

TEST_F(gateway_test, a_request_that_breaks_the_model_fails_alone) {
  one->replies["poison"] = numbered_reply(6);
  one->before_token = [](const std::string& turn, std::size_t number) {
    if (turn == "poison" && number == 3)
      throw std::runtime_error("broken");
    return "";
  };
  add("one");
  std::vector<running_reply> innocent;
  for (int i = 0; i < 3; ++i)
    innocent.push_back(start("one", "hello"));
  auto poison = start("one", "poison");
  for (int i = 0; i < 5; ++i) // these have to wait
    innocent.push_back(start("one", "hello"));
  advance(20s);
  ASSERT_TRUE(poison.client->failed);
  EXPECT_EQ(poison.client->failed->code, errc::poison_request);
  EXPECT_EQ(poison.client->text, "1 2");
  for (const auto& reply : innocent) {
    ASSERT_TRUE(reply.client->end);
    EXPECT_EQ(reply.client->text, "1 2 3 4 5 6");
  }
}

TEST_F(gateway_test, a_drain_answers_those_who_wait_for_a_model_to_load) {
  hold_loading = true;
  auto adding = begin_ask<device_report>(door, add_device{"one", "cpu", true});
  run();
  EXPECT_FALSE(adding->has_come());
  begin_ask<std::uint32_t>(door, drain{3s});
  run();
  ASSERT_TRUE(adding->failed);
  EXPECT_EQ(adding->failed->code, errc::shutting_down);
}

TEST_F(gateway_test, a_drain_cuts_off_what_takes_too_long_and_counts_it) {
  add("one");
  auto a = start_slow("one"), b = start_slow("one"), c = start_slow("one");
  auto drained = begin_ask<std::uint32_t>(door, drain{3s});
  run();
  take_all(b);
  advance(2990ms);
  EXPECT_FALSE(a.client->has_ended());
  EXPECT_FALSE(drained->has_come());
  advance(10ms);
  for (const auto* reply : {&a, &c}) {
    ASSERT_TRUE(reply->client->failed);
    EXPECT_EQ(reply->client->failed->code, errc::shutting_down);
    EXPECT_EQ(reply->client->text, "1 2");
  }
  ASSERT_TRUE(drained->value);
  EXPECT_EQ(*drained->value, 2u);
}

TEST_F(gateway_test, its_pulse_lets_every_reply_watch_its_own_deadline) {
  add("one");
  auto start_with = [&](std::chrono::milliseconds deadline) {
    auto options = asking("one", "hello");
    options.credit = 2;
    options.deadline = deadline;
    return start(std::move(options), true);
  };
  auto early = start_with(1s), late = start_with(2s);
  advance(990ms);
  EXPECT_FALSE(early.client->has_ended());
  advance(260ms); // a pulse later at most
  ASSERT_TRUE(early.client->failed);
  EXPECT_EQ(early.client->failed->code, errc::deadline_exceeded);
  EXPECT_FALSE(late.client->has_ended());
  advance(1s);
  EXPECT_TRUE(late.client->failed);
}

TEST_F(gateway_test, its_pulse_rests_while_no_reply_is_open) {
  add("one");
  for (int i = 0; i < 2; ++i) {
    auto reply = start("one", "hello");
    run();
    ASSERT_TRUE(reply.client->has_ended());
    advance(1s);
    EXPECT_FALSE(scheduler.has_pending_timeout());
  }
}

TEST_F(gateway_test, a_resumed_reply_passes_a_draining_gateway) {
  add("one", "cpu");
  auto reply = start_slow("one");
  auto drained = begin_ask<std::uint32_t>(door, drain{10s});
  run();
  kill(workers.back());
  advance(2s); // its successor has taken over
  take_all(reply);
  EXPECT_EQ(reply.client->text, "1 2 3 4 5 6");
  EXPECT_TRUE(drained->value);
}

TEST_F(gateway_test, everybody_leaves_with_the_gateway) {
  add("one");
  add("two");
  auto reply = start_slow("one");
  caf::anon_send_exit(door, caf::exit_reason::user_shutdown);
  run();
  for (const auto& gone : workers) {
    auto answer = begin_ask<std::uint32_t>(gone, hand_over_atom::value);
    run();
    EXPECT_TRUE(answer->error);
  }
  // A reply that nobody stopped looks for a worker as long as it may.
  advance(40s);
  EXPECT_TRUE(reply.client->failed);
}

TEST_F(gateway_test, hands_questions_about_tokens_to_a_worker) {
  auto plan = std::make_shared<script>();
  plan->vocabulary = 5;
  open({{"m", plan}});
  tokenize question{"m", {prompt_form::text, {}, "a", {}}};
  EXPECT_EQ(ask_failure<tokenized>(door, question).code,
            errc::model_not_active);
  add("m");
  EXPECT_EQ(ask<tokenized>(door, question), (tokenized{{1, 1, 1}, 1000}));
  EXPECT_EQ(ask<detokenized>(door, detokenize{"m", {}}).text, "");
  question.model = "nobody";
  EXPECT_EQ(ask_failure<tokenized>(door, question).code, errc::model_not_found);
}

} // namespace model_server
