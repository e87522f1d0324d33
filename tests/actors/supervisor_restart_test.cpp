// Workers that die, and those that follow them.
#include "tests/actors/supervisor_fixture.hpp"

#include <gmock/gmock.h>

namespace model_server {

namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class supervisor_restart_test : public supervisor_fixture {
protected:
  // A model whose worker on `cpu` has died once more often than this.
  void give_up_after(unsigned restart_limit) {
    serving.restart_limit = restart_limit;
    open({{"m", plan}});
    add("m", "cpu");
    for (unsigned i = 0; i <= restart_limit; ++i) {
      kill(workers.back());
      advance(30s);
    }
    EXPECT_EQ(status_of("m").entities.at(0).state, entity_state::failed);
  }
};

} // namespace

TEST_F(supervisor_restart_test, restarts_a_worker_after_growing_pauses) {
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

TEST_F(supervisor_restart_test,
       a_load_that_fails_at_a_restart_is_another_crash) {
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

TEST_F(supervisor_restart_test, is_degraded_while_one_of_two_restarts) {
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

TEST_F(supervisor_restart_test, tells_when_a_restart_is_due) {
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

TEST_F(supervisor_restart_test,
       remove_of_a_restarting_entity_stops_the_restart) {
  add("m", "cpu");
  kill(workers.back());
  run();
  ask<device_report>(door, remove_device{"m", ""});
  EXPECT_EQ(status_of("m").state, model_state::inactive);
  advance(10s);
  EXPECT_THAT(workers, SizeIs(1));
}

TEST_F(supervisor_restart_test, gives_a_worker_up_that_dies_too_often) {
  give_up_after(2);
  auto status = status_of("m");
  EXPECT_EQ(status.state, model_state::inactive);
  EXPECT_EQ(status.entities.at(0).state, entity_state::failed);
  EXPECT_NE(status.entities[0].reason, "");
  auto started = workers.size();
  advance(300s);
  EXPECT_EQ(workers.size(), started);
  auto reply = start("m", "hello");
  run();
  ASSERT_TRUE(reply.client->failed);
  EXPECT_EQ(reply.client->failed->code, errc::model_not_active);
  EXPECT_THAT(reply.client->failed->message, HasSubstr("given up on 'cpu'"));
}

TEST_F(supervisor_restart_test, one_that_was_given_up_can_be_added_again) {
  give_up_after(1);
  EXPECT_EQ(add("m", "cpu").device, "cpu");
  EXPECT_THAT(status_of("m").entities, SizeIs(1));
  EXPECT_EQ(status_of("m").state, model_state::ready);
}

TEST_F(supervisor_restart_test, or_removed) {
  give_up_after(1);
  EXPECT_EQ(ask<device_report>(door, remove_device{"m", ""}).device, "cpu");
  EXPECT_THAT(status_of("m").entities, SizeIs(0));
}

TEST_F(supervisor_restart_test, a_stranger_that_calls_itself_a_worker_must_go) {
  add("m", "cpu");
  auto stranger = system.spawn(hung_worker, worker_options{});
  caf::anon_send(door, worker_here{{"m", 1, 12345}}, stranger);
  run();
  auto reply = start("m", "hello");
  run();
  EXPECT_TRUE(reply.client->end);
  auto answer =
      begin_ask<worker_ready>(stranger, load_atom::value, load_watcher{});
  run();
  EXPECT_TRUE(answer->error) << "it has not gone";
}

TEST_F(supervisor_restart_test, only_the_secret_makes_it_the_worker_it_says) {
  // A node that keeps the order to itself.
  std::vector<start_worker> orders;
  auto silent = [&](node_actor::pointer, int) -> node_actor::behavior_type {
    return {
        [&](const start_worker& order, const worker_owner&) {
          orders.push_back(order);
        },
        [](const stop_worker&) {},
        [](const model_list&) {},
        [](ended_atom, std::uint64_t) {},
        [](tick_atom, std::uint64_t) {},
        [](tick_atom) {},
    };
  };
  supervisor_options options;
  options.model.name = "m";
  options.serving = serving;
  options.list_devices = [this] { return devices; };
  options.node = system.spawn(silent, 0);
  auto subject = system.spawn(supervisor, options);
  auto adding = begin_ask<device_report>(subject, add_device{"m", "cpu", true});
  run();
  ASSERT_THAT(orders, SizeIs(1));
  auto guess = orders[0].ticket;
  ++guess.secret;
  auto stranger = system.spawn(hung_worker, worker_options{});
  caf::anon_send(subject, worker_here{guess}, stranger);
  run();
  EXPECT_FALSE(adding->has_come());
  auto worker = system.spawn(hung_worker, worker_options{});
  caf::anon_send(subject, worker_here{orders[0].ticket}, worker);
  run();
  EXPECT_TRUE(adding->value);
  caf::anon_send_exit(subject, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(options.node, caf::exit_reason::user_shutdown);
  run();
}

TEST_F(supervisor_restart_test,
       a_supervisor_that_fails_is_followed_by_another) {
  add("m", "cpu");
  add("m", "virtual:0");
  auto options = asking("m", "hello");
  options.credit = 2;
  auto reply = start(std::move(options), true);
  run();
  caf::anon_send_exit(supervisors["m"], caf::exit_reason::kill);
  run();
  // All is as it was, and no worker was started for it.
  auto status = status_of("m");
  EXPECT_EQ(status.state, model_state::ready);
  EXPECT_THAT(status.entities, SizeIs(2));
  EXPECT_EQ(status.entities.at(0).running, 1u);
  EXPECT_THAT(workers, SizeIs(2));
  auto other = start("m", "hi");
  run();
  EXPECT_TRUE(other.client->end);
  // It looks after its workers as the first one did.
  kill(workers.front());
  run();
  for (std::uint64_t taken : {2, 4, 6}) {
    caf::anon_send(reply.actor, written{taken});
    run();
  }
  ASSERT_TRUE(reply.client->end);
  EXPECT_EQ(reply.client->text, joined(numbered_reply(6)));
  EXPECT_EQ(reply.client->end->device, "virtual:0");
  advance(2s);
  EXPECT_EQ(status_of("m").state, model_state::ready);
  EXPECT_EQ(status_of("m").entities.at(0).restarts, 1u);
}

TEST_F(supervisor_restart_test,
       whoever_waits_hears_that_the_supervisor_failed) {
  hold_loading = true;
  auto adding = begin_ask<device_report>(door, add_device{"m", "cpu", true});
  run();
  caf::anon_send_exit(supervisors["m"], caf::exit_reason::kill);
  run();
  ASSERT_TRUE(adding->failed);
  EXPECT_EQ(adding->failed->code, errc::internal_error);
  EXPECT_EQ(status_of("m").state, model_state::loading);
}

TEST_F(supervisor_restart_test, a_worker_lost_with_its_supervisor_is_noticed) {
  add("m", "cpu");
  auto reply = start("m", "hello");
  caf::anon_send_exit(supervisors["m"], caf::exit_reason::kill);
  kill(workers.front());
  advance(5s);
  ASSERT_TRUE(reply.client->has_ended());
  EXPECT_EQ(status_of("m").state, model_state::ready);
  auto later = start("m", "hello");
  run();
  EXPECT_TRUE(later.client->end);
}

} // namespace model_server
