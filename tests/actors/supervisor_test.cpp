// One supervisor: devices, restarts, where replies go.
#include "tests/support/serving_fixture.hpp"

#include <gmock/gmock.h>

namespace model_server {

namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class supervisor_test : public serving_fixture {
protected:
  supervisor_test() {
    plan->replies["hello"] = numbered_reply(6);
    plan->replies["hi"] = numbered_reply(6);
    open({{"m", plan}});
  }

  std::vector<std::string> devices_of_m() {
    std::vector<std::string> result;
    for (const auto& item : status_of("m").entities)
      result.push_back(item.device);
    return result;
  }

  failure add_refused(const std::string& device) {
    return ask_failure<device_report>(door, add_device{"m", device, true});
  }

  std::shared_ptr<script> plan = std::make_shared<script>();
};

} // namespace

TEST_F(supervisor_test, begins_inactive) {
  auto status = status_of("m");
  EXPECT_EQ(status.state, model_state::inactive);
  EXPECT_EQ(status.entry, "scripted");
  EXPECT_EQ(status.batch_size, 4u);
  EXPECT_THAT(status.entities, IsEmpty());
  auto reply = start("m", "hello");
  run();
  ASSERT_TRUE(reply.client->failed);
  EXPECT_EQ(reply.client->failed->code, errc::model_not_active);
  EXPECT_GT(reply.client->failed->retry_after, 0u);
}

TEST_F(supervisor_test, add_answers_when_the_entity_serves) {
  auto report = add("m", "cpu");
  EXPECT_EQ(report.device, "cpu");
  EXPECT_EQ(report.state, entity_state::ready);
  auto status = status_of("m");
  EXPECT_EQ(status.state, model_state::ready);
  ASSERT_THAT(status.entities, SizeIs(1));
  EXPECT_EQ(status.entities[0].node, "here");
  EXPECT_EQ(status.entities[0].state, entity_state::ready);
}

TEST_F(supervisor_test, add_without_waiting_answers_at_once) {
  auto report = ask<device_report>(door, add_device{"m", "cpu", false});
  EXPECT_EQ(report.state, entity_state::loading);
  EXPECT_EQ(status_of("m").state, model_state::ready); // a little later
}

TEST_F(supervisor_test, add_chooses_a_device_that_is_free) {
  for (const auto* expected : {"cpu", "virtual:0", "virtual:1", "virtual:2"})
    EXPECT_EQ(add("m").device, expected);
  auto refused = add_refused("");
  EXPECT_EQ(refused.code, errc::device_in_use);
  EXPECT_THAT(refused.message, HasSubstr("virtual:2"));
}

TEST_F(supervisor_test, add_refuses_the_same_device_twice) {
  add("m", "cpu");
  EXPECT_EQ(add_refused("cpu").code, errc::device_in_use);
  EXPECT_EQ(add_refused("here/cpu").code, errc::device_in_use);
  EXPECT_THAT(devices_of_m(), ElementsAre("cpu"));
}

TEST_F(supervisor_test, add_lists_the_devices_that_are_there) {
  auto refused = add_refused("cuda:7");
  EXPECT_EQ(refused.code, errc::no_such_device);
  EXPECT_EQ(refused.param, "device");
  EXPECT_EQ(refused.message, "there is no device 'cuda:7' here; there are: "
                             "cpu, virtual:0, virtual:1, virtual:2");
}

TEST_F(supervisor_test, a_load_that_fails_leaves_all_as_it_was) {
  add("m", "cpu");
  auto reply = start("m", "hello");
  fail_loading = "not enough memory";
  auto refused = add_refused("virtual:0");
  EXPECT_EQ(refused.code, errc::load_failed);
  EXPECT_EQ(refused.message,
            "'m' does not load on 'virtual:0': not enough memory");
  EXPECT_THAT(devices_of_m(), ElementsAre("cpu"));
  EXPECT_EQ(status_of("m").state, model_state::ready);
  EXPECT_EQ(reply.client->text, joined(numbered_reply(6)));
  fail_loading.clear();
  EXPECT_EQ(add("m", "virtual:0").device, "virtual:0");
}

TEST_F(supervisor_test, activate_adds_only_where_there_is_none) {
  auto first = ask<device_report>(door, activate_model{"m", "virtual:1"});
  EXPECT_EQ(first.device, "virtual:1");
  EXPECT_FALSE(first.unchanged);
  auto second = ask<device_report>(door, activate_model{"m", ""});
  EXPECT_EQ(second.device, "virtual:1");
  EXPECT_TRUE(second.unchanged);
  EXPECT_THAT(devices_of_m(), ElementsAre("virtual:1"));
}

TEST_F(supervisor_test, gives_replies_to_the_least_loaded) {
  add("m", "cpu");
  add("m", "virtual:0");
  std::vector<running_reply> replies;
  for (int i = 0; i < 6; ++i) {
    auto options = asking("m", "hello");
    options.credit = 1; // each keeps its place after a token
    replies.push_back(start(std::move(options), true));
  }
  run();
  auto status = status_of("m");
  EXPECT_EQ(status.entities[0].running, 3u);
  EXPECT_EQ(status.entities[1].running, 3u);
}

TEST_F(supervisor_test, refused_requests_do_not_count_as_load) {
  add("m", "cpu");
  add("m", "virtual:0");
  plan->before_encode = [](const chat&) { throw bad_chat("no"); };
  for (int i = 0; i < 10; ++i) {
    start("m", "hello");
    run();
  }
  plan->before_encode = nullptr;
  auto reply = start("m", "hello");
  run();
  EXPECT_EQ(reply.client->end->device, "cpu");
}

TEST_F(supervisor_test, restarts_a_worker_after_growing_pauses) {
  serving.restart_pause = 1s;
  serving.restart_pause_most = 5s;
  open({{"m", plan}});
  add("m", "cpu");
  auto started = workers.size();
  for (auto pause : {1s, 2s, 4s, 5s, 5s}) {
    kill(workers.back());
    run();
    auto status = status_of("m");
    EXPECT_EQ(status.state, model_state::loading);
    EXPECT_EQ(status.entities[0].state, entity_state::restarting);
    EXPECT_NE(status.entities[0].reason, "");
    advance(pause - 10ms);
    EXPECT_EQ(workers.size(), started);
    advance(10ms);
    EXPECT_EQ(workers.size(), ++started);
    EXPECT_EQ(status_of("m").state, model_state::ready);
  }
  EXPECT_EQ(status_of("m").entities[0].restarts, 5u);
  // It serves well for a while: the next pause is short again.
  advance(5s);
  kill(workers.back());
  run();
  advance(1s);
  EXPECT_EQ(workers.size(), started + 1);
}

TEST_F(supervisor_test, a_load_that_fails_at_a_restart_is_another_crash) {
  add("m", "cpu");
  fail_loading = "no memory";
  kill(workers.back());
  advance(1s);
  EXPECT_THAT(workers, SizeIs(2));
  EXPECT_EQ(status_of("m").entities[0].reason, "no memory");
  fail_loading.clear();
  advance(1990ms);
  EXPECT_THAT(workers, SizeIs(2));
  advance(10ms);
  EXPECT_THAT(workers, SizeIs(3));
  EXPECT_EQ(status_of("m").state, model_state::ready);
  EXPECT_EQ(status_of("m").entities[0].restarts, 2u);
  EXPECT_EQ(status_of("m").entities[0].reason, "");
}

TEST_F(supervisor_test, is_degraded_while_one_of_two_restarts) {
  add("m", "cpu");
  add("m", "virtual:0");
  kill(workers.front());
  run();
  EXPECT_EQ(status_of("m").state, model_state::degraded);
  auto reply = start("m", "hello");
  run();
  EXPECT_EQ(reply.client->end->device, "virtual:0");
  advance(1s);
  EXPECT_EQ(status_of("m").state, model_state::ready);
}

TEST_F(supervisor_test, tells_when_a_restart_is_due) {
  serving.restart_pause = 3s;
  open({{"m", plan}});
  add("m", "cpu");
  kill(workers.back());
  advance(500ms);
  auto reply = start("m", "hello");
  run();
  ASSERT_TRUE(reply.client->failed);
  EXPECT_EQ(reply.client->failed->code, errc::model_loading);
  EXPECT_EQ(reply.client->failed->retry_after, 3u);
}

TEST_F(supervisor_test, remove_without_an_entity_is_refused) {
  auto refused = ask_failure<device_report>(door, remove_device{"m", ""});
  EXPECT_EQ(refused.code, errc::model_not_active);
  add("m", "cpu");
  refused = ask_failure<device_report>(door, remove_device{"m", "virtual:0"});
  EXPECT_EQ(refused.code, errc::no_such_device);
  EXPECT_THAT(refused.message, HasSubstr("it has: cpu"));
}

TEST_F(supervisor_test, remove_takes_the_one_added_last) {
  add("m", "virtual:1");
  add("m", "cpu");
  EXPECT_EQ(ask<device_report>(door, remove_device{"m", ""}).device, "cpu");
  EXPECT_THAT(devices_of_m(), ElementsAre("virtual:1"));
}

TEST_F(supervisor_test, remove_moves_replies_token_for_token) {
  add("m", "cpu");
  std::vector<running_reply> replies;
  for (int i = 0; i < 3; ++i) {
    auto options = asking("m", "hello");
    options.credit = 2;
    replies.push_back(start(std::move(options), true));
  }
  run();
  add("m", "virtual:0");
  auto report = ask<device_report>(door, remove_device{"m", "cpu"});
  EXPECT_EQ(report.device, "cpu");
  EXPECT_EQ(report.moved_replies, 3u);
  EXPECT_THAT(devices_of_m(), ElementsAre("virtual:0"));
  for (auto& reply : replies) {
    caf::anon_send(reply.actor, written{2});
    run();
    caf::anon_send(reply.actor, written{4});
    run();
    caf::anon_send(reply.actor, written{6});
    run();
    ASSERT_TRUE(reply.client->end);
    EXPECT_EQ(reply.client->text, joined(numbered_reply(6)));
    EXPECT_EQ(reply.client->end->device, "virtual:0");
    EXPECT_EQ(reply.client->end->completion_tokens, 6u);
    EXPECT_EQ(reply.client->broken, "");
  }
}

TEST_F(supervisor_test, remove_of_the_last_lets_replies_finish) {
  add("m", "cpu");
  auto options = asking("m", "hello");
  options.credit = 2;
  auto reply = start(std::move(options), true);
  run();
  auto removed = begin_ask<device_report>(door, remove_device{"m", ""});
  run();
  EXPECT_FALSE(removed->has_come());
  auto late = start("m", "hi");
  run();
  ASSERT_TRUE(late.client->failed);
  EXPECT_EQ(late.client->failed->code, errc::model_not_active);
  for (std::uint64_t taken : {2, 4, 6}) {
    caf::anon_send(reply.actor, written{taken});
    run();
  }
  EXPECT_EQ(reply.client->text, joined(numbered_reply(6)));
  ASSERT_TRUE(removed->value);
  EXPECT_EQ(removed->value->moved_replies, 0u);
  EXPECT_EQ(status_of("m").state, model_state::inactive);
}

TEST_F(supervisor_test, remove_of_the_last_ends_replies_at_the_limit) {
  serving.drain_timeout = 2s;
  open({{"m", plan}});
  add("m", "cpu");
  auto options = asking("m", "hello");
  options.credit = 2;
  auto reply = start(std::move(options), true);
  run();
  auto removed = begin_ask<device_report>(door, remove_device{"m", ""});
  advance(1990ms);
  EXPECT_FALSE(reply.client->has_ended());
  advance(10ms);
  ASSERT_TRUE(reply.client->failed);
  EXPECT_EQ(reply.client->failed->code, errc::shutting_down);
  EXPECT_EQ(reply.client->text, "1 2");
  EXPECT_TRUE(removed->value);
  EXPECT_EQ(status_of("m").state, model_state::inactive);
}

TEST_F(supervisor_test, can_be_added_again_after_its_removal) {
  add("m", "cpu");
  ask<device_report>(door, remove_device{"m", ""});
  EXPECT_EQ(add("m").device, "cpu");
  auto reply = start("m", "hello");
  run();
  EXPECT_EQ(reply.client->text, joined(numbered_reply(6)));
}

TEST_F(supervisor_test, remove_of_a_loading_entity_answers_both) {
  add("m", "cpu");
  hold_loading = true;
  auto adding =
      begin_ask<device_report>(door, add_device{"m", "virtual:0", true});
  run();
  EXPECT_FALSE(adding->has_come());
  ask<device_report>(door, remove_device{"m", ""});
  ASSERT_TRUE(adding->failed);
  EXPECT_EQ(adding->failed->code, errc::model_not_active);
  EXPECT_THAT(devices_of_m(), ElementsAre("cpu"));
}

TEST_F(supervisor_test, remove_of_a_restarting_entity_stops_the_restart) {
  add("m", "cpu");
  kill(workers.back());
  run();
  ask<device_report>(door, remove_device{"m", ""});
  EXPECT_EQ(status_of("m").state, model_state::inactive);
  advance(10s);
  EXPECT_THAT(workers, SizeIs(1));
}

TEST_F(supervisor_test, gives_each_worker_an_incarnation_of_its_own) {
  add("m", "cpu");
  auto one = start("m", "hello");
  run();
  kill(workers.back());
  advance(1s);
  auto two = start("m", "hello");
  run();
  EXPECT_LT(one.client->begun->incarnation, two.client->begun->incarnation);
}

} // namespace model_server
