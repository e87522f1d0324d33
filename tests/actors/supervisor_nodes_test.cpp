// Machines that join, are lost and come back.
#include "tests/actors/supervisor_fixture.hpp"

#include <gmock/gmock.h>

namespace model_server {

namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class supervisor_nodes_test : public supervisor_fixture {
protected:
  ~supervisor_nodes_test() override {
    caf::anon_send_exit(other, caf::exit_reason::user_shutdown);
    run();
  }

  // A machine with a node of its own joins.
  void join(const std::string& name, std::vector<std::string> models = {"m"}) {
    auto here = node;
    start_node();
    other = std::exchange(node, here);
    hello = {name, {{"cuda:0", true, 8}, {"cpu", false, 0}}, std::move(models)};
    ask<caf::ok_atom>(door, hello, other);
  }

  // The machine and its workers are gone at once.
  void lose() {
    caf::anon_send_exit(other, caf::exit_reason::kill);
    caf::anon_send_exit(workers.back(), caf::exit_reason::kill);
    run();
  }

  node_actor other;
  node_here hello;
};

} // namespace

TEST_F(supervisor_nodes_test, offers_the_devices_of_a_machine_that_joined) {
  join("b");
  EXPECT_EQ(add("m", "b/cpu").device, "b/cpu");
  auto status = status_of("m");
  EXPECT_EQ(status.entities.at(0).node, "b");
  EXPECT_EQ(status.entities[0].device, "cpu");
  auto reply = start("m", "hello");
  run();
  ASSERT_TRUE(reply.client->end);
  EXPECT_EQ(reply.client->end->device, "b/cpu");
}

TEST_F(supervisor_nodes_test, tells_the_writer_where_a_reply_goes_on) {
  join("b");
  add("m", "b/cpu");
  add("m", "cpu");
  auto options = asking("m", "hello");
  options.credit = 1;
  auto reply = start(std::move(options), true);
  run();
  auto first = reply.client->begun.value().device;
  auto second = std::string{first == "cpu" ? "b/cpu" : "cpu"};
  ask<device_report>(door, remove_device{"m", first});
  run();
  EXPECT_EQ(reply.client->resumed_on, std::vector<std::string>{second});
  EXPECT_EQ(reply.client->broken, "");
}

TEST_F(supervisor_nodes_test, prefers_an_accelerator_wherever_it_is) {
  join("b");
  EXPECT_EQ(add("m").device, "b/cuda:0");
  EXPECT_EQ(add("m").device, "cpu");
}

TEST_F(supervisor_nodes_test, has_no_devices_for_models_that_are_not_there) {
  join("b", {"another"});
  auto refused = add_refused("b/cpu");
  EXPECT_EQ(refused.code, errc::no_such_device);
}

TEST_F(supervisor_nodes_test, replies_of_a_lost_machine_go_on_elsewhere) {
  join("b");
  add("m", "b/cpu");
  auto options = asking("m", "hello");
  options.credit = 2;
  auto reply = start(std::move(options), true);
  run();
  add("m", "cpu");
  std::swap(workers.front(), workers.back());
  lose();
  for (std::uint64_t taken : {2, 4, 6}) {
    caf::anon_send(reply.actor, written{taken});
    run();
  }
  ASSERT_TRUE(reply.client->end);
  EXPECT_EQ(reply.client->text, joined(numbered_reply(6)));
  EXPECT_EQ(reply.client->end->device, "cpu");
  auto refused = add_refused("b/cuda:0");
  EXPECT_THAT(refused.message, HasSubstr("there are: cpu, virtual:0"));
}

TEST_F(supervisor_nodes_test, a_machine_that_comes_back_serves_again) {
  join("b");
  add("m", "b/cpu");
  lose();
  advance(60s);
  EXPECT_EQ(status_of("m").entities.at(0).state, entity_state::restarting);
  auto started = workers.size();
  join("b");
  EXPECT_EQ(workers.size(), started + 1);
  EXPECT_EQ(status_of("m").entities.at(0).state, entity_state::ready);
  ask<caf::ok_atom>(door, hello, other); // told twice
  advance(60s);
  EXPECT_EQ(workers.size(), started + 1);
}

} // namespace model_server
