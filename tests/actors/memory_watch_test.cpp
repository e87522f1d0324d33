// What a server gives up as its memory runs out, and when.
#include "actors/memory_watch.hpp"
#include "tests/support/figures_scrape.hpp"
#include "tests/support/serving_fixture.hpp"

#include <gmock/gmock.h>

namespace model_server {

namespace {

using namespace std::chrono_literals;
using enum memory_level;

constexpr std::uint64_t reserve = 800;

// The level at so many bytes left, coming from plenty.
memory_level fresh_level(std::uint64_t left) {
  return memory_level_at(left, reserve, plenty);
}

class memory_watch_test : public serving_fixture {
protected:
  memory_watch_test() {
    model->replies["hello"] = numbered_reply(4);
    model->replies["long"] = numbered_reply(50);
    serving.batch_size = 1;
    open({{"m", model}});
    add("m");
    memory_watch_options options;
    options.gateway = door;
    options.measure = [this] {
      if (measure_fails)
        throw std::runtime_error("no such file");
      return left;
    };
    options.reserve = reserve;
    options.gauge = gauge;
    options.counted = telemetry.figures;
    watch = system.spawn(memory_watch, std::move(options));
    run();
  }

  void come_to(std::uint64_t bytes) {
    left = bytes;
    advance(250ms);
  }

  double value(const std::string& series) {
    return scrape_of(*telemetry.figures).value("model_server_" + series);
  }

  std::shared_ptr<script> model = std::make_shared<script>();
  std::optional<std::uint64_t> left = 1'000'000;
  bool measure_fails = false;
  memory_watch_actor watch;
};

} // namespace

TEST(memory_level_test, each_level_begins_below_its_share_of_the_reserve) {
  EXPECT_EQ(fresh_level(1500), plenty);
  EXPECT_EQ(fresh_level(1499), close_connections);
  EXPECT_EQ(fresh_level(800), close_connections);
  EXPECT_EQ(fresh_level(799), refuse_requests);
  EXPECT_EQ(fresh_level(300), refuse_requests);
  EXPECT_EQ(fresh_level(299), cancel_waiting);
  EXPECT_EQ(fresh_level(0), cancel_waiting);
}

TEST(memory_level_test, a_level_ends_above_where_it_began) {
  EXPECT_EQ(memory_level_at(800, reserve, refuse_requests), refuse_requests);
  EXPECT_EQ(memory_level_at(899, reserve, refuse_requests), refuse_requests);
  EXPECT_EQ(memory_level_at(900, reserve, refuse_requests), close_connections);
  // However far it was.
  EXPECT_EQ(memory_level_at(899, reserve, cancel_waiting), refuse_requests);
  EXPECT_EQ(memory_level_at(1687, reserve, cancel_waiting), plenty);
}

TEST(memory_level_test, the_usual_reserve_is_a_share_and_no_more_than_needed) {
  EXPECT_EQ(usual_memory_reserve(1'000'000'000), 80'000'000u);
  EXPECT_EQ(usual_memory_reserve(std::uint64_t{1} << 40), 256u << 20);
  EXPECT_EQ(usual_memory_reserve(0), 0u);
}

TEST(memory_level_test, nothing_is_given_up_for_no_reserve) {
  EXPECT_EQ(memory_level_at(0, 0, plenty), plenty);
}

TEST_F(memory_watch_test, measures_four_times_a_second) {
  come_to(1499);
  EXPECT_TRUE(gauge->closes_connections());
  EXPECT_FALSE(gauge->refuses_requests());
  EXPECT_EQ(value("memory_left_bytes"), 1499);
  left = 10'000;
  advance(240ms);
  EXPECT_TRUE(gauge->closes_connections());
  advance(10ms);
  EXPECT_FALSE(gauge->closes_connections());
}

TEST_F(memory_watch_test, counts_how_often_a_level_was_come_to) {
  for (auto bytes : {700, 700, 10'000, 700})
    come_to(static_cast<std::uint64_t>(bytes));
  EXPECT_EQ(value(R"(memory_levels_total{level="refuse_requests"})"), 2);
  EXPECT_EQ(value(R"(memory_levels_total{level="plenty"})"), 1);
  EXPECT_EQ(value(R"(memory_levels_total{level="cancel_waiting"})"), 0);
}

TEST_F(memory_watch_test, gives_up_nothing_where_the_system_says_nothing) {
  come_to(700);
  left = std::nullopt;
  advance(250ms);
  EXPECT_FALSE(gauge->closes_connections());
  come_to(700);
  measure_fails = true;
  advance(250ms);
  EXPECT_FALSE(gauge->closes_connections());
  // What is told is what was measured last, and not 0.
  EXPECT_EQ(value("memory_left_bytes"), 700);
}

TEST_F(memory_watch_test, refuses_new_requests_and_lets_others_go_on) {
  auto begun = start_slow("m", 1);
  come_to(799);
  auto late = start("m", "hello");
  run();
  ASSERT_TRUE(late.client->failed);
  EXPECT_EQ(late.client->failed->code, errc::low_memory);
  EXPECT_GE(late.client->failed->retry_after, 1u);
  EXPECT_EQ(value(R"(rejects_total{model="m",reason="low_memory"})"), 1);
  for (std::uint64_t taken : {1, 2, 3, 4}) {
    caf::anon_send(begun.actor, written{taken});
    run();
  }
  EXPECT_EQ(begun.client->text, "1 2 3 4");
  come_to(10'000);
  auto next = start("m", "hello");
  run();
  EXPECT_EQ(next.client->text, "1 2 3 4");
}

TEST_F(memory_watch_test, lets_a_part_of_what_it_took_pass) {
  come_to(799);
  auto options = asking("m", "hello");
  options.is_promised = true;
  auto part = start(std::move(options));
  run();
  EXPECT_EQ(part.client->text, "1 2 3 4");
}

TEST_F(memory_watch_test, has_workers_cancel_one_that_waits) {
  auto running = start("m", "long");
  run(20);
  auto waiting = start("m", "hello"), youngest = start("m", "hello");
  run(20);
  left = 299;
  caf::anon_send(watch, tick_atom::value);
  run();
  EXPECT_EQ(running.client->text, joined(numbered_reply(50)));
  EXPECT_EQ(waiting.client->text, "1 2 3 4");
  ASSERT_TRUE(youngest.client->failed);
  EXPECT_EQ(youngest.client->failed->code, errc::low_memory);
}

TEST_F(memory_watch_test, ends_with_the_gateway) {
  caf::anon_send_exit(door, caf::exit_reason::user_shutdown);
  run();
  left = 0;
  advance(1s);
  EXPECT_FALSE(gauge->closes_connections());
}

} // namespace model_server
