// Removing devices: replies move, or finish.
#include "tests/actors/supervisor_fixture.hpp"

#include <gmock/gmock.h>

namespace model_server {

namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class supervisor_remove_test : public supervisor_fixture {
protected:
  // Removes a worker that hangs with a reply, while another is there.
  void remove_hung_worker(std::chrono::milliseconds drain_timeout) {
    serving.drain_timeout = drain_timeout;
    open({{"m", plan}});
    hang = true;
    add("m", "cpu");
    hung_reply = start("m", "hello");
    run();
    hang = false;
    add("m", "virtual:0");
    hung_removal = begin_ask<device_report>(door, remove_device{"m", "cpu"});
    run();
    EXPECT_FALSE(hung_removal->has_come());
  }

  running_reply hung_reply;
  std::shared_ptr<pending_answer<device_report>> hung_removal;
};

} // namespace

TEST_F(supervisor_remove_test, remove_without_an_entity_is_refused) {
  auto refused = ask_failure<device_report>(door, remove_device{"m", ""});
  EXPECT_EQ(refused.code, errc::model_not_active);
  add("m", "cpu");
  refused = ask_failure<device_report>(door, remove_device{"m", "virtual:0"});
  EXPECT_EQ(refused.code, errc::no_such_device);
  EXPECT_THAT(refused.message, HasSubstr("it has: cpu"));
}

TEST_F(supervisor_remove_test, remove_takes_the_one_added_last) {
  add("m", "virtual:1");
  add("m", "cpu");
  EXPECT_EQ(ask<device_report>(door, remove_device{"m", ""}).device, "cpu");
  EXPECT_THAT(devices_of_m(), ElementsAre("virtual:1"));
}

TEST_F(supervisor_remove_test, remove_moves_replies_token_for_token) {
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

TEST_F(supervisor_remove_test, remove_of_the_last_lets_replies_finish) {
  add("m", "cpu");
  auto options = asking("m", "hello");
  options.credit = 2;
  auto reply = start(std::move(options), true);
  run();
  auto removed = begin_ask<device_report>(door, remove_device{"m", ""});
  run();
  EXPECT_FALSE(removed->has_come());
  EXPECT_EQ(status_of("m").state, model_state::inactive);
  EXPECT_EQ(status_of("m").entities[0].state, entity_state::leaving);
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

TEST_F(supervisor_remove_test, remove_of_the_last_ends_replies_at_the_limit) {
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
  EXPECT_EQ(reply.client->failed->code, errc::model_not_active);
  EXPECT_EQ(reply.client->text, "1 2");
  EXPECT_TRUE(removed->value);
  EXPECT_EQ(status_of("m").state, model_state::inactive);
}

TEST_F(supervisor_remove_test, replies_do_not_move_to_an_entity_that_loads) {
  add("m", "cpu");
  auto options = asking("m", "hello");
  options.credit = 2;
  auto reply = start(std::move(options), true);
  run();
  hold_loading = true;
  ask<device_report>(door, add_device{"m", "virtual:0", false});
  auto removed = begin_ask<device_report>(door, remove_device{"m", "cpu"});
  run();
  EXPECT_FALSE(removed->has_come());
  for (std::uint64_t taken : {2, 4, 6}) {
    caf::anon_send(reply.actor, written{taken});
    run();
  }
  EXPECT_EQ(reply.client->text, joined(numbered_reply(6)));
  EXPECT_TRUE(removed->value);
}

TEST_F(supervisor_remove_test, replies_of_a_worker_that_hangs_go_elsewhere) {
  remove_hung_worker(2s);
  advance(1990ms);
  EXPECT_EQ(hung_reply.client->text, "");
  advance(10ms);
  EXPECT_TRUE(hung_removal->value);
  EXPECT_EQ(hung_reply.client->text, joined(numbered_reply(6)));
  ASSERT_TRUE(hung_reply.client->end);
  EXPECT_EQ(hung_reply.client->end->device, "virtual:0");
}

TEST_F(supervisor_remove_test,
       a_worker_lost_while_it_is_removed_ends_the_wait) {
  remove_hung_worker(60s);
  kill(workers.front());
  run();
  EXPECT_TRUE(hung_removal->value);
  ASSERT_TRUE(hung_reply.client->end);
  EXPECT_EQ(hung_reply.client->text, joined(numbered_reply(6)));
}

TEST_F(supervisor_remove_test, replies_of_the_last_that_hangs_end_too) {
  serving.drain_timeout = 2s;
  open({{"m", plan}});
  hang = true;
  add("m", "cpu");
  auto options = asking("m", "hello");
  options.worker_wait = 3s;
  auto reply = start(std::move(options));
  run();
  auto removed = begin_ask<device_report>(door, remove_device{"m", "cpu"});
  advance(2s + 5s);
  EXPECT_TRUE(removed->value);
  advance(3s);
  ASSERT_TRUE(reply.client->failed);
  EXPECT_EQ(reply.client->failed->code, errc::worker_lost);
}

TEST_F(supervisor_remove_test, can_be_added_again_after_its_removal) {
  add("m", "cpu");
  ask<device_report>(door, remove_device{"m", ""});
  EXPECT_EQ(add("m").device, "cpu");
  auto reply = start("m", "hello");
  run();
  EXPECT_EQ(reply.client->text, joined(numbered_reply(6)));
}

TEST_F(supervisor_remove_test, remove_of_a_loading_entity_answers_both) {
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

} // namespace model_server
