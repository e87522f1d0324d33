// Models that the first call has loaded, and that leave when nobody needs them.
#include "tests/actors/lifecycle_fixture.hpp"

#include <gmock/gmock.h>

namespace model_server {

namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class load_on_demand_test : public lifecycle_fixture {
protected:
  void open_one() {
    open_models({on_demand("m")});
  }
};

} // namespace

// -- loading ------------------------------------------------------------------

TEST_F(load_on_demand_test, many_calls_at_once_cause_one_load) {
  open_one();
  held->holds_starts = true;
  std::vector<running_reply> calls;
  for (int i = 0; i < 5; ++i)
    calls.push_back(start("m", "hello"));
  run();
  EXPECT_EQ(state_of("m"), model_state::loading);
  for (const auto& reply : calls)
    EXPECT_EQ(outcome(reply), "waits");
  release_starts();
  for (const auto& reply : calls)
    EXPECT_EQ(outcome(reply), whole);
  EXPECT_THAT(workers, SizeIs(1));
  EXPECT_EQ(state_of("m"), model_state::ready);
  EXPECT_TRUE(status_of("m").entities.at(0).is_on_demand);
}

TEST_F(load_on_demand_test, questions_about_tokens_wait_too) {
  open_one();
  plans["m"]->vocabulary = 5;
  held->holds_starts = true;
  tokenize question{"m", {prompt_form::text, {}, "a", {}}};
  auto tokens = begin_ask<tokenized>(door, question);
  auto text = begin_ask<detokenized>(door, detokenize{"m", {}});
  run();
  EXPECT_FALSE(tokens->has_come());
  release_starts();
  ASSERT_TRUE(tokens->value);
  EXPECT_EQ(tokens->value->tokens.size(), 3u);
  EXPECT_TRUE(text->value);
}

TEST_F(load_on_demand_test, the_queue_is_bounded) {
  serving.max_queued = 2;
  open_one();
  held->holds_starts = true;
  auto a = start("m", "hello"), b = start("m", "hello");
  run();
  auto c = start("m", "hello");
  run();
  ASSERT_TRUE(c.client->failed);
  EXPECT_EQ(c.client->failed->code, errc::queue_full);
  EXPECT_GT(c.client->failed->retry_after, 0u);
  EXPECT_THAT(c.client->failed->message, HasSubstr("2 calls wait for 'm'"));
  // Whoever leaves makes room.
  caf::anon_send(a.actor, client_left{});
  run();
  auto d = start("m", "hello");
  run();
  EXPECT_EQ(outcome(d), "waits");
  release_starts();
  EXPECT_EQ(outcome(b), whole);
  EXPECT_EQ(outcome(d), whole);
}

TEST_F(load_on_demand_test, a_call_waits_no_longer_than_the_limit) {
  serving.load_timeout = 5s;
  open_one();
  held->holds_starts = true;
  auto first = start("m", "hello");
  advance(3s);
  auto second = start("m", "hello");
  advance(1990ms);
  EXPECT_EQ(outcome(first), "waits");
  advance(10ms);
  ASSERT_TRUE(first.client->failed);
  EXPECT_EQ(first.client->failed->code, errc::model_loading);
  EXPECT_GT(first.client->failed->retry_after, 0u);
  // The load has had its time as well.
  EXPECT_EQ(outcome(second), "load_failed");
  EXPECT_EQ(state_of("m"), model_state::inactive);
  EXPECT_THAT(held->starts, IsEmpty());
}

TEST_F(load_on_demand_test, a_failed_load_answers_every_call_once) {
  open_one();
  fail_loading = "no weights";
  held->holds_starts = true;
  std::vector<running_reply> calls;
  for (int i = 0; i < 3; ++i)
    calls.push_back(start("m", "hello"));
  run();
  release_starts();
  for (const auto& reply : calls) {
    EXPECT_EQ(outcome(reply), "load_failed");
    EXPECT_THAT(reply.client->failed->message, HasSubstr("no weights"));
  }
  EXPECT_THAT(workers, SizeIs(1));
  // Not tried again at once, but after a pause.
  EXPECT_EQ(call("m"), "load_failed");
  EXPECT_THAT(workers, SizeIs(1));
  fail_loading.clear();
  advance(1s);
  EXPECT_EQ(call("m"), whole);
}

TEST_F(load_on_demand_test, whoever_waits_hears_that_the_device_was_removed) {
  open_one();
  held->holds_starts = true;
  auto reply = start("m", "hello");
  run();
  ask<device_report>(door, remove_device{"m", ""});
  EXPECT_EQ(outcome(reply), "model_not_active");
  release_starts();
  EXPECT_EQ(call("m"), whole);
}

TEST_F(load_on_demand_test, a_model_that_was_added_serves_those_who_wait) {
  open_one();
  held->holds_starts = true;
  auto adding = begin_ask<device_report>(door, add_device{"m", "cpu", true});
  auto reply = start("m", "hello");
  run();
  EXPECT_EQ(outcome(reply), "waits");
  release_starts();
  EXPECT_TRUE(adding->value);
  EXPECT_EQ(outcome(reply), whole);
  EXPECT_THAT(workers, SizeIs(1));
  EXPECT_FALSE(status_of("m").entities.at(0).is_on_demand);
}

TEST_F(load_on_demand_test, a_drain_answers_those_who_wait) {
  open_one();
  held->holds_starts = true;
  auto reply = start("m", "hello");
  run();
  ask<std::uint32_t>(door, drain{3s});
  EXPECT_EQ(outcome(reply), "shutting_down");
}

TEST_F(load_on_demand_test, those_who_wait_outlive_their_supervisor) {
  open_one();
  held->holds_starts = true;
  auto reply = start("m", "hello");
  run();
  caf::anon_send_exit(supervisors["m"], caf::exit_reason::kill);
  run();
  release_starts();
  advance(1s);
  EXPECT_EQ(outcome(reply), whole);
}

// -- keep_alive ---------------------------------------------------------------

TEST_F(load_on_demand_test, leaves_after_its_time_without_work) {
  serving.keep_alive = 10s;
  open_one();
  EXPECT_EQ(call("m"), whole);
  advance(6s);
  EXPECT_EQ(status_of("m").idle, 6000);
  EXPECT_EQ(call("m"), whole); // counts from the end of the last reply
  advance(9990ms);
  EXPECT_EQ(state_of("m"), model_state::ready);
  advance(10ms);
  EXPECT_EQ(state_of("m"), model_state::inactive);
  EXPECT_THAT(status_of("m").entities, IsEmpty());
  EXPECT_EQ(status_of("m").idle, -1);
  EXPECT_EQ(call("m"), whole);
  EXPECT_THAT(workers, SizeIs(2));
}

TEST_F(load_on_demand_test, never_leaves_while_a_reply_runs) {
  serving.keep_alive = 10s;
  open_one();
  auto reply = start_slow("m");
  advance(60s);
  EXPECT_EQ(state_of("m"), model_state::ready);
  EXPECT_EQ(status_of("m").idle, -1);
  take_all(reply);
  EXPECT_EQ(outcome(reply), whole);
  advance(10s);
  EXPECT_EQ(state_of("m"), model_state::inactive);
}

TEST_F(load_on_demand_test, what_was_added_stays_unless_the_model_says_not) {
  serving.keep_alive = 1s;
  auto limited = on_demand("limited");
  limited.load = load_mode::manual;
  limited.keep_alive = 10s;
  open_models({on_demand("m"), limited});
  add("m");
  add("limited");
  advance(9s);
  EXPECT_EQ(state_of("limited"), model_state::ready);
  advance(1s);
  EXPECT_EQ(state_of("limited"), model_state::inactive);
  EXPECT_EQ(call("limited"), "model_not_active");
  EXPECT_EQ(state_of("m"), model_state::ready);
}

TEST_F(load_on_demand_test, activate_makes_it_stay) {
  serving.keep_alive = 1s;
  open_one();
  EXPECT_EQ(call("m"), whole);
  EXPECT_TRUE(ask<device_report>(door, activate_model{"m", ""}).unchanged);
  advance(10s);
  EXPECT_EQ(state_of("m"), model_state::ready);
}

TEST_F(load_on_demand_test, for_ever_is_for_ever_and_nothing_at_once) {
  auto forever = on_demand("forever"), never = on_demand("never");
  forever.keep_alive = for_ever;
  never.keep_alive = 0s;
  serving.keep_alive = 1s;
  open_models({forever, never});
  EXPECT_EQ(call("forever"), whole);
  EXPECT_EQ(call("never"), whole);
  advance(100s);
  EXPECT_EQ(state_of("forever"), model_state::ready);
  EXPECT_EQ(state_of("never"), model_state::inactive);
}

TEST_F(load_on_demand_test, a_call_during_the_unload_waits_for_the_next_load) {
  serving.keep_alive = 10s;
  open_one();
  EXPECT_EQ(call("m"), whole);
  held->holds_ends = true;
  advance(10s);
  // Its memory is not free before its worker is really gone.
  auto reply = start("m", "hello");
  advance(1s);
  EXPECT_EQ(outcome(reply), "waits");
  EXPECT_THAT(workers, SizeIs(1));
  release_ends();
  EXPECT_EQ(outcome(reply), whole);
  EXPECT_THAT(workers, SizeIs(2));
}

// -- eviction -----------------------------------------------------------------

namespace {

class eviction_actors_test : public lifecycle_fixture {
protected:
  // Three models of which only one fits at a time.
  eviction_actors_test() {
    cpu_memory = 100 << 20;
    devices = {{"cpu", false, 1ull << 40}};
    for (const auto* name : {"a", "b", "c"})
      bytes_of[name] = 60 << 20;
    open_models({on_demand("a"), on_demand("b"), on_demand("c")});
  }
};

} // namespace

TEST_F(eviction_actors_test, an_idle_model_goes_for_another) {
  EXPECT_EQ(call("a"), whole);
  advance(1s);
  EXPECT_EQ(call("b"), whole);
  EXPECT_EQ(state_of("a"), model_state::inactive);
  EXPECT_EQ(call("a"), whole);
  EXPECT_EQ(state_of("b"), model_state::inactive);
}

TEST_F(eviction_actors_test, the_least_recently_used_goes) {
  bytes_of = {{"a", 40 << 20}, {"b", 40 << 20}, {"c", 40 << 20}};
  EXPECT_EQ(call("a"), whole);
  advance(1s);
  EXPECT_EQ(call("b"), whole);
  advance(1s);
  EXPECT_EQ(call("a"), whole);
  advance(1s);
  EXPECT_EQ(call("c"), whole);
  EXPECT_EQ(state_of("a"), model_state::ready);
  EXPECT_EQ(state_of("b"), model_state::inactive);
}

TEST_F(eviction_actors_test, the_least_recently_used_goes_when_memory_is_low) {
  bytes_of = {{"a", 40 << 20}, {"b", 40 << 20}};
  auto reclaim = [this] {
    caf::anon_send(door, reclaim_atom::value);
    caf::anon_send(door, reclaim_atom::value); // one at a time
    run();
  };
  EXPECT_EQ(call("a"), whole);
  advance(1s);
  EXPECT_EQ(call("b"), whole);
  reclaim();
  EXPECT_EQ(state_of("a"), model_state::inactive);
  EXPECT_EQ(state_of("b"), model_state::ready);
  auto busy = start_slow("b");
  reclaim();
  EXPECT_EQ(state_of("b"), model_state::ready);
}

TEST_F(eviction_actors_test, what_is_to_stay_free_is_not_there_to_load_in) {
  cpu_reserve = 20 << 20;
  devices = {{"cpu", false, 79 << 20}};
  open_models({on_demand("a")});
  auto refused = start("a", "hello");
  run();
  ASSERT_TRUE(refused.client->failed);
  EXPECT_EQ(refused.client->failed->code, errc::insufficient_memory);
  devices = {{"cpu", false, 80 << 20}};
  EXPECT_EQ(call("a"), whole);
}

TEST_F(eviction_actors_test, a_busy_model_stays) {
  auto reply = start_slow("a");
  auto refused = start("b", "hello");
  run();
  ASSERT_TRUE(refused.client->failed);
  EXPECT_EQ(*refused.client->failed,
            (failure{errc::insufficient_memory,
                     "'b' needs 60 MiB on 'cpu', where 40 MiB are free and 0 "
                     "MiB could be by unloading idle models",
                     "", 10}));
  take_all(reply);
  EXPECT_EQ(outcome(reply), whole);
  EXPECT_EQ(call("b"), whole);
}

TEST_F(eviction_actors_test, a_loading_model_stays) {
  held->holds_starts = true;
  auto reply = start("a", "hello");
  run();
  EXPECT_EQ(call("b"), "insufficient_memory");
  release_starts();
  EXPECT_EQ(outcome(reply), whole);
}

TEST_F(eviction_actors_test, what_was_added_stays) {
  add("a");
  advance(10s);
  EXPECT_EQ(call("b"), "insufficient_memory");
  EXPECT_EQ(state_of("a"), model_state::ready);
}

TEST_F(eviction_actors_test, nobody_goes_for_what_never_fits) {
  bytes_of["b"] = 200 << 20;
  EXPECT_EQ(call("a"), whole);
  advance(1s);
  EXPECT_EQ(call("b"), "insufficient_memory");
  EXPECT_EQ(state_of("a"), model_state::ready);
}

TEST_F(eviction_actors_test, what_the_system_has_free_counts_too) {
  devices = {{"cpu", false, 50 << 20}};
  EXPECT_EQ(call("a"), "insufficient_memory");
  devices = {{"cpu", false, 60 << 20}};
  EXPECT_EQ(call("a"), whole);
}

TEST_F(eviction_actors_test, the_next_load_waits_until_the_memory_is_free) {
  EXPECT_EQ(call("a"), whole);
  held->holds_ends = true;
  auto b = start("b", "hello");
  advance(1s);
  EXPECT_EQ(outcome(b), "waits");
  EXPECT_THAT(workers, SizeIs(1));
  // A call to the one that goes waits for its turn.
  auto a = start("a", "hello");
  advance(1s);
  EXPECT_EQ(outcome(a), "waits");
  release_ends();
  advance(1s);
  EXPECT_EQ(outcome(b), whole);
  EXPECT_TRUE(outcome(a) == whole || outcome(a) == "insufficient_memory")
      << outcome(a);
}

TEST_F(eviction_actors_test, every_call_of_many_models_has_one_answer) {
  std::vector<running_reply> calls;
  for (int round = 0; round < 30; ++round) {
    for (const auto* name : {"a", "b", "c"})
      calls.push_back(start(name, "hello"));
    run(round * 3 + 1);
  }
  advance(10s);
  auto answered = 0;
  for (const auto& reply : calls) {
    EXPECT_TRUE(reply.client->is_closed);
    auto how = outcome(reply);
    EXPECT_TRUE(how == whole || how == "insufficient_memory") << how;
    answered += how == whole;
  }
  EXPECT_GT(answered, 0);
}

} // namespace model_server
