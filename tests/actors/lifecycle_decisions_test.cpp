// What is decided about models that come, go and change, without any actor.
#include "actors/eviction.hpp"
#include "actors/idle_watch.hpp"
#include "actors/load_demand.hpp"
#include "actors/reload_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace model_server {

namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

model_setting echo(const std::string& name) {
  model_setting result;
  result.name = name;
  result.entry = "echo";
  return result;
}

} // namespace

// -- reload_plan --------------------------------------------------------------

TEST(reload_plan_test, tells_what_comes_goes_changes_and_stays) {
  auto changed = echo("b");
  changed.params.values.emplace_back("prefix", "x");
  auto plan = plan_reload({echo("a"), echo("b"), echo("c")},
                          {echo("d"), changed, echo("a")});
  ASSERT_EQ(plan.added.size(), 1u);
  EXPECT_EQ(plan.added[0], echo("d"));
  EXPECT_THAT(plan.removed, ElementsAre("c"));
  ASSERT_EQ(plan.changed.size(), 1u);
  EXPECT_EQ(plan.changed[0], changed);
  EXPECT_THAT(plan.unchanged, ElementsAre("a"));
  EXPECT_THAT(plan.order, ElementsAre("d", "b", "a"));
}

TEST(reload_plan_test, every_key_counts_and_start_devices_do_not) {
  auto is_changed = [](auto change) {
    auto other = echo("a");
    change(other);
    return plan_reload({echo("a")}, {other}).changed.size() == 1;
  };
  EXPECT_TRUE(is_changed([](auto& m) { m.entry = "fault"; }));
  EXPECT_TRUE(is_changed([](auto& m) { m.batch_size = 2; }));
  EXPECT_TRUE(is_changed([](auto& m) { m.params.positional = true; }));
  EXPECT_TRUE(is_changed([](auto& m) { m.load = load_mode::on_demand; }));
  EXPECT_TRUE(is_changed([](auto& m) { m.keep_alive = for_ever; }));
  EXPECT_FALSE(is_changed([](auto& m) { m.start_devices = {"cpu"}; }));
}

TEST(reload_plan_test, load_and_keep_alive_need_no_other_worker) {
  auto other = echo("a");
  other.load = load_mode::on_demand;
  other.keep_alive = 1s;
  EXPECT_TRUE(have_same_worker(echo("a"), other));
  other.batch_size = 2;
  EXPECT_FALSE(have_same_worker(echo("a"), other));
}

// -- eviction -----------------------------------------------------------------

TEST(eviction_test, takes_the_roomiest_device_where_it_fits) {
  EXPECT_EQ(std::get<room_plan>(plan_room(10, {{"cuda:0", 20}, {"cuda:1", 30}},
                                          {{"old", "cuda:0", 5, 9}})),
            (room_plan{"cuda:1", {}}));
  EXPECT_EQ(std::get<room_plan>(plan_room(0, {{"cpu", 0}}, {})),
            (room_plan{"cpu", {}}));
}

TEST(eviction_test, the_least_recently_used_go_first_and_no_more_than_needed) {
  EXPECT_EQ(std::get<room_plan>(plan_room(50, {{"cpu", 10}},
                                          {{"new", "cpu", 40, 1'000},
                                           {"oldest", "cpu", 20, 9'000},
                                           {"old", "cpu", 20, 5'000}})),
            (room_plan{"cpu", {"oldest", "old"}}));
}

TEST(eviction_test, only_those_in_the_same_memory_go) {
  EXPECT_EQ(std::get<room_plan>(plan_room(20, {{"cuda:0", 10}, {"cuda:1", 5}},
                                          {{"elsewhere", "cpu", 99, 9},
                                           {"small", "cuda:0", 5, 8},
                                           {"right", "cuda:1", 30, 7}})),
            (room_plan{"cuda:1", {"right"}}));
  EXPECT_EQ(std::get<room_plan>(
                plan_room(20, {{"cpu", 10}}, {{"same", "virtual:3", 10, 1}})),
            (room_plan{"cpu", {"same"}}));
}

TEST(eviction_test, nobody_goes_in_vain) {
  EXPECT_EQ(
      std::get<no_room>(plan_room(100, {{"cpu", 10}},
                                  {{"a", "cpu", 20, 2}, {"b", "cpu", 30, 1}})),
      (no_room{"cpu", 10, 50}));
  // Whoever gives nothing back stays.
  EXPECT_EQ(
      std::get<room_plan>(plan_room(
          20, {{"cpu", 10}}, {{"empty", "cpu", 0, 9}, {"a", "cpu", 20, 1}})),
      (room_plan{"cpu", {"a"}}));
}

TEST(eviction_test, virtual_devices_have_the_memory_of_their_machine) {
  EXPECT_EQ(memory_of("virtual:1"), "cpu");
  EXPECT_EQ(memory_of("node-b/virtual:0"), "node-b/cpu");
  EXPECT_EQ(memory_of("node-b/cuda:0"), "node-b/cuda:0");
  EXPECT_EQ(memory_of("cpu"), "cpu");
}

// -- idle_watch ---------------------------------------------------------------

TEST(idle_watch_test, counts_from_the_end_of_the_last_work) {
  idle_watch watch;
  idle_watch::time_point start{1h};
  EXPECT_EQ(watch.idle_for(start), std::nullopt);
  watch.see(true, start);
  watch.see(true, start + 3s);
  EXPECT_EQ(watch.idle_for(start + 5s), 5s);
  watch.see(false, start + 6s);
  EXPECT_EQ(watch.idle_for(start + 7s), std::nullopt);
  EXPECT_FALSE(watch.is_over(start + 99s, 0s));
  watch.see(true, start + 8s);
  EXPECT_FALSE(watch.is_over(start + 17s, 10s));
  EXPECT_TRUE(watch.is_over(start + 18s, 10s));
}

TEST(idle_watch_test, one_look_is_under_way_at_a_time) {
  idle_watch watch;
  idle_watch::time_point start{1h};
  watch.see(true, start);
  EXPECT_EQ(watch.next_look(start, 10s), 10s);
  EXPECT_EQ(watch.next_look(start + 1s, 10s), std::nullopt);
  // Work came between: the look comes too early, and another one follows.
  watch.see(false, start + 2s);
  watch.see(true, start + 4s);
  EXPECT_EQ(watch.next_look(start + 4s, 10s), std::nullopt);
  watch.looked(start + 10s);
  EXPECT_EQ(watch.next_look(start + 10s, 10s), 4s);
  // A shorter time needs an earlier one.
  EXPECT_EQ(watch.next_look(start + 10s, 7s), 1s);
}

// -- load_demand --------------------------------------------------------------

namespace {

waiting_call call_until(idle_watch::time_point until) {
  waiting_call result;
  result.until = until;
  return result;
}

} // namespace

TEST(load_demand_test, calls_leave_in_the_order_of_their_coming) {
  load_demand demand;
  load_demand::time_point start{1h};
  demand.add(call_until(start + 1s));
  demand.add(call_until(start + 2s));
  demand.add(call_until(start + 3s));
  EXPECT_EQ(demand.first_deadline(), start + 1s);
  EXPECT_EQ(demand.take_late(start + 2s).size(), 2u);
  EXPECT_EQ(demand.size(), 1u);
  EXPECT_EQ(demand.take_first().until, start + 3s);
  EXPECT_TRUE(demand.empty());
  EXPECT_THAT(demand.take_all(), IsEmpty());
}

TEST(load_demand_test, pauses_after_failed_loads_grow_and_end_with_a_good_one) {
  load_demand demand;
  serving_settings limits;
  limits.restart_pause = 1s;
  limits.restart_pause_most = 3s;
  load_demand::time_point now{1h};
  EXPECT_EQ(demand.why_not(now), std::nullopt);
  failure broken{errc::load_failed, "no weights", "", 0};
  demand.load_failed(broken, now, limits);
  ASSERT_TRUE(demand.why_not(now + 999ms));
  EXPECT_EQ(demand.why_not(now + 999ms)->message, "no weights");
  EXPECT_EQ(demand.why_not(now)->retry_after, 1u);
  EXPECT_EQ(demand.why_not(now + 1s), std::nullopt);
  demand.load_failed(broken, now, limits);
  EXPECT_EQ(demand.why_not(now)->retry_after, 2u);
  demand.load_failed(broken, now, limits);
  EXPECT_EQ(demand.why_not(now)->retry_after, 3u);
  demand.load_succeeded();
  EXPECT_EQ(demand.why_not(now), std::nullopt);
}

} // namespace model_server
