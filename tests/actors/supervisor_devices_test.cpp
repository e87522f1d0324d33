// Adding devices, and which of them a reply goes to.
#include "tests/actors/supervisor_fixture.hpp"

#include <gmock/gmock.h>

namespace model_server {

namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class supervisor_devices_test : public supervisor_fixture {};

} // namespace

TEST_F(supervisor_devices_test, begins_inactive) {
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

TEST_F(supervisor_devices_test, add_answers_when_the_entity_serves) {
  auto report = add("m", "cpu");
  EXPECT_EQ(report.device, "cpu");
  EXPECT_EQ(report.state, entity_state::ready);
  auto status = status_of("m");
  EXPECT_EQ(status.state, model_state::ready);
  ASSERT_THAT(status.entities, SizeIs(1));
  EXPECT_EQ(status.entities[0].node, "here");
  EXPECT_EQ(status.entities[0].state, entity_state::ready);
}

TEST_F(supervisor_devices_test, add_without_waiting_answers_at_once) {
  auto report = ask<device_report>(door, add_device{"m", "cpu", false});
  EXPECT_EQ(report.state, entity_state::loading);
  EXPECT_EQ(status_of("m").state, model_state::ready); // a little later
}

TEST_F(supervisor_devices_test, refuses_an_entity_with_another_model) {
  plan->identity = 7;
  add("m", "cpu");
  EXPECT_TRUE(status_of("m").entities.at(0).is_exact);
  plan->identity = 8; // somebody has changed the files
  auto refused = add_refused("virtual:0");
  EXPECT_EQ(refused.code, errc::load_failed);
  EXPECT_THAT(refused.message, HasSubstr("not the one that began on cpu"));
  EXPECT_THAT(devices_of_m(), ElementsAre("cpu"));
  plan->identity = 7;
  add("m", "virtual:0");
  plan->identity = 0; // nobody knows
  add("m", "virtual:1");
}

TEST_F(supervisor_devices_test, tells_how_far_a_model_is_loaded) {
  hold_loading = true;
  ask<device_report>(door, add_device{"m", "cpu", false});
  EXPECT_EQ(status_of("m").entities.at(0).loaded, 0.0);
  caf::anon_send(supervisors["m"], load_progress{1, 0.5});
  caf::anon_send(supervisors["m"], load_progress{2, 0.75}); // another's
  run();
  EXPECT_EQ(status_of("m").entities.at(0).loaded, 0.5);
}

TEST_F(supervisor_devices_test, add_chooses_a_device_that_is_free) {
  for (const auto* expected : {"cpu", "virtual:0", "virtual:1", "virtual:2"})
    EXPECT_EQ(add("m").device, expected);
  auto refused = add_refused("");
  EXPECT_EQ(refused.code, errc::device_in_use);
  EXPECT_THAT(refused.message, HasSubstr("virtual:2"));
}

TEST_F(supervisor_devices_test, add_refuses_the_same_device_twice) {
  add("m", "cpu");
  EXPECT_EQ(add_refused("cpu").code, errc::device_in_use);
  EXPECT_EQ(add_refused("here/cpu").code, errc::device_in_use);
  EXPECT_THAT(devices_of_m(), ElementsAre("cpu"));
}

TEST_F(supervisor_devices_test, add_lists_the_devices_that_are_there) {
  auto refused = add_refused("cuda:7");
  EXPECT_EQ(refused.code, errc::no_such_device);
  EXPECT_EQ(refused.param, "device");
  EXPECT_EQ(refused.message, "there is no device \"cuda:7\" here; there are: "
                             "cpu, virtual:0, virtual:1, virtual:2");
}

TEST_F(supervisor_devices_test, a_load_that_fails_leaves_all_as_it_was) {
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

TEST_F(supervisor_devices_test, activate_adds_only_where_there_is_none) {
  auto first = ask<device_report>(door, activate_model{"m", "virtual:1"});
  EXPECT_EQ(first.device, "virtual:1");
  EXPECT_FALSE(first.unchanged);
  auto second = ask<device_report>(door, activate_model{"m", ""});
  EXPECT_EQ(second.device, "virtual:1");
  EXPECT_TRUE(second.unchanged);
  EXPECT_THAT(devices_of_m(), ElementsAre("virtual:1"));
}

TEST_F(supervisor_devices_test, gives_replies_to_the_least_loaded) {
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

TEST_F(supervisor_devices_test, gives_a_prompt_to_who_has_read_its_beginning) {
  add("m", "cpu");
  add("m", "virtual:0");
  std::string long_text(4000, 'a');
  plan->replies[long_text] = numbered_reply(6);
  auto first = start("m", long_text);
  auto other = start("m", "hello"); // to the one that has less to do
  run();
  EXPECT_EQ(first.client->end->device, "cpu");
  EXPECT_EQ(other.client->end->device, "virtual:0");
  // One unlike it goes to the oldest of two idle ones, one like it to its own.
  auto again = start("m", long_text);
  run();
  EXPECT_EQ(again.client->end->device, "cpu");
}

TEST_F(supervisor_devices_test,
       a_warm_worker_is_left_when_it_has_too_much_to_do) {
  add("m", "cpu");
  add("m", "virtual:0");
  std::string long_text(4000, 'a'); // about 1000 tokens
  plan->replies[long_text] = numbered_reply(6);
  std::vector<running_reply> replies;
  for (int i = 0; i < 8; ++i) {
    auto options = asking("m", long_text);
    options.credit = 1; // each stays
    replies.push_back(start(std::move(options), true));
    run();
  }
  auto status = status_of("m");
  EXPECT_GT(status.entities[0].running + status.entities[0].waiting, 3u);
  EXPECT_GT(status.entities[1].running + status.entities[1].waiting, 0u);
}

TEST_F(supervisor_devices_test, refused_requests_do_not_count_as_load) {
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

TEST_F(supervisor_devices_test, gives_each_worker_an_incarnation_of_its_own) {
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
