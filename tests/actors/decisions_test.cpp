// What actors decide without sending anything: speed, credit, devices, pauses.
#include "actors/credit_window.hpp"
#include "actors/device_choice.hpp"
#include "actors/entity.hpp"
#include "actors/reply_progress.hpp"
#include "actors/step_watch.hpp"
#include "actors/thread_budget.hpp"
#include "actors/throughput.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace model_server {

using namespace std::chrono_literals;

// -- steps that hang ----------------------------------------------------------

TEST(step_watch_test, a_step_has_the_timeout_or_twenty_usual_steps) {
  EXPECT_EQ(longest_step(1ms, 60s), 60s);
  EXPECT_EQ(longest_step(3s, 60s), 60s);
  EXPECT_EQ(longest_step(4s, 60s), 80s);
}

TEST(step_watch_test, the_first_step_has_ten_times_the_timeout) {
  EXPECT_EQ(longest_step(0ns, 60s), 600s);
}

TEST(step_watch_test, more_to_do_may_take_longer) {
  recent_times times;
  EXPECT_EQ(usual_time(times, 5), 0ns);
  for (auto seconds : {1.0, 2.0, 100.0})
    times.add(seconds);
  EXPECT_EQ(usual_time(times, 1), 2s);
  EXPECT_EQ(usual_time(times, 4096), 8192s);
}

TEST(step_watch_test, believes_no_page_that_was_written_over) {
  EXPECT_EQ(longest_step(std::chrono::nanoseconds::max(), 60s), 20 * 24h);
  EXPECT_EQ(longest_step(std::chrono::nanoseconds::min(), 60s), 600s);
}

TEST(step_watch_test, looks_a_few_times_within_the_timeout) {
  EXPECT_EQ(watch_interval(1ms), 10ms);
  EXPECT_EQ(watch_interval(400ms), 100ms);
  EXPECT_EQ(watch_interval(1h), 1s);
}

// -- throughput ---------------------------------------------------------------

TEST(throughput_test, knows_nothing_at_first) {
  throughput speed;
  EXPECT_EQ(speed.tokens_per_second(), 0);
  EXPECT_EQ(speed.seconds_for(100), 1u);
}

TEST(throughput_test, follows_the_rate_and_forgets_old_ones) {
  throughput speed;
  throughput::time_point now{};
  speed.resume(now);
  speed.made(10, now += 1s);
  EXPECT_DOUBLE_EQ(speed.tokens_per_second(), 10);
  for (int i = 0; i < 20; ++i)
    speed.made(100, now += 1s);
  EXPECT_NEAR(speed.tokens_per_second(), 100, 0.1);
}

TEST(throughput_test, does_not_count_idle_time) {
  throughput speed;
  throughput::time_point now{};
  speed.resume(now);
  speed.made(10, now += 1s);
  speed.pause();
  speed.resume(now += 1h);
  speed.made(10, now += 1s);
  EXPECT_DOUBLE_EQ(speed.tokens_per_second(), 10);
}

TEST(throughput_test, a_short_step_counts_for_no_more_than_its_time) {
  throughput speed;
  throughput::time_point now{};
  speed.resume(now);
  speed.made(3, now += 5us);
  for (int i = 0; i < 20; ++i)
    speed.made(1, now += 50ms);
  EXPECT_NEAR(speed.tokens_per_second(), 20, 4);
}

TEST(throughput_test, steps_without_time_are_counted_with_the_next) {
  throughput speed;
  throughput::time_point now{};
  speed.resume(now);
  speed.made(10, now);
  EXPECT_EQ(speed.tokens_per_second(), 0);
  speed.made(10, now += 1ms);
  EXPECT_NEAR(speed.tokens_per_second(), 20'000, 10);
}

TEST(throughput_test, says_when_a_queue_is_done) {
  throughput speed;
  throughput::time_point now{};
  speed.resume(now);
  speed.made(10, now += 1s);
  speed.ended(20);
  EXPECT_EQ(speed.seconds_for(0), 1u);
  EXPECT_EQ(speed.seconds_for(3), 6u);
  EXPECT_EQ(speed.seconds_for(1'000'000), 3600u);
}

// -- thread_budget ------------------------------------------------------------

TEST(thread_budget_test, divides_the_cores_among_those_who_compute) {
  auto budget = std::make_shared<thread_budget>(4);
  thread_share a{budget}, b{budget};
  EXPECT_EQ(a.hold(), 4u);
  EXPECT_EQ(a.hold(), 4u); // holding twice counts once
  EXPECT_EQ(b.hold(), 2u);
  EXPECT_EQ(a.hold(), 2u);
  {
    thread_share c{budget};
    EXPECT_EQ(c.hold(), 1u);
  }
  b.release();
  b.release();
  EXPECT_EQ(a.hold(), 4u);
}

TEST(thread_budget_test, leaves_one_thread_to_everyone) {
  auto budget = std::make_shared<thread_budget>(0);
  thread_share a{budget}, b{budget};
  EXPECT_EQ(a.hold(), 1u);
  EXPECT_EQ(b.hold(), 1u);
  EXPECT_EQ(thread_share{}.hold(), 0u);
}

TEST(thread_budget_test, a_part_moves_with_its_holder) {
  auto budget = std::make_shared<thread_budget>(4);
  thread_share a{budget};
  a.hold();
  thread_share b;
  b = std::move(a);
  thread_share other{budget};
  EXPECT_EQ(other.hold(), 2u);
  b.release();
  EXPECT_EQ(other.hold(), 4u);
}

// -- credit_window ------------------------------------------------------------

TEST(credit_window_test, never_gets_stuck_and_never_runs_ahead) {
  // A worker, a writer and a client that each do what they may, in any order.
  for (unsigned seed = 0; seed < 500; ++seed) {
    std::mt19937 random{seed};
    auto ahead = static_cast<std::uint32_t>(1 + random() % 9);
    credit_window window{ahead, true};
    auto allowed = window.grant();
    std::uint64_t made = 0, written_up_to = 0, taken = 0;
    for (int i = 0; i < 2000 && made < 100; ++i) {
      switch (random() % 3) {
      case 0:
        if (made < allowed) {
          window.made(++made);
          if (random() % 4 != 0) { // some tokens have no text
            written_up_to = made;
            window.wrote(made);
          }
        }
        break;
      case 1:
        taken = std::max(taken, written_up_to);
        window.taken(taken);
        break;
      default:
        if (auto more = window.raise())
          allowed = *more;
      }
      // Tokens with text that the client doesn't have are at most `ahead`.
      if (written_up_to > taken) {
        EXPECT_LE(allowed, made + ahead);
      }
    }
    EXPECT_GE(made, 100u) << "seed " << seed;
  }
}

TEST(credit_window_test, believes_no_client_that_took_what_was_not_made) {
  credit_window window{4, true};
  window.taken(1'000'000);
  window.made(1);
  window.wrote(1);
  EXPECT_EQ(window.grant(), 4u);
}

TEST(credit_window_test, has_no_end_where_the_writer_keeps_all) {
  credit_window window{4, false};
  EXPECT_EQ(window.grant(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_FALSE(window.raise());
}

// -- choose_device ------------------------------------------------------------

namespace {

device_choice two_cards() {
  return {"",
          {{"cuda:0", true, 10}, {"cuda:1", true, 20}, {"cpu", false, 100}},
          {},
          "m",
          "here"};
}

std::string chosen(const device_choice& choice) {
  auto result = choose_device(choice);
  if (auto* refused = std::get_if<failure>(&result))
    return to_string(refused->code);
  return std::get<std::string>(result);
}

} // namespace

TEST(choose_device_test, takes_the_accelerator_with_the_most_memory) {
  auto choice = two_cards();
  EXPECT_EQ(chosen(choice), "cuda:1");
  choice.in_use = {"cuda:1"};
  EXPECT_EQ(chosen(choice), "cuda:0");
  choice.in_use = {"cuda:1", "cuda:0"};
  EXPECT_EQ(chosen(choice), "cpu");
  choice.in_use = {"cuda:1", "cuda:0", "cpu"};
  EXPECT_EQ(chosen(choice), "device_in_use");
}

TEST(choose_device_test, a_kind_stands_for_its_next_free_one) {
  auto choice = two_cards();
  choice.wanted = "cuda";
  EXPECT_EQ(chosen(choice), "cuda:0");
  choice.in_use = {"cuda:0"};
  EXPECT_EQ(chosen(choice), "cuda:1");
  choice.in_use = {"cuda:0", "cuda:1"};
  EXPECT_EQ(chosen(choice), "device_in_use");
  choice.wanted = "rocm";
  EXPECT_EQ(chosen(choice), "no_such_device");
}

TEST(choose_device_test, knows_its_own_node) {
  auto choice = two_cards();
  choice.wanted = "here/cuda:0";
  EXPECT_EQ(chosen(choice), "cuda:0");
  choice.wanted = "there/cuda:0";
  EXPECT_EQ(chosen(choice), "no_such_device");
  choice.wanted = "here";
  EXPECT_EQ(chosen(choice), "no_such_device");
  EXPECT_EQ(local_device("here/", "here"), "");
}

// -- entity -------------------------------------------------------------------

TEST(entity_test, pauses_double_until_it_serves_well) {
  entity item;
  entity::time_point now{};
  serving_settings limits;
  limits.restart_pause = 1s;
  limits.restart_pause_most = 5s;
  auto crash = [&] {
    item.crashed("why", now, limits);
    return item.pause;
  };
  auto serve = [&](std::chrono::seconds time) {
    item.state = entity_state::ready;
    item.ready_since = now;
    now += time;
  };
  serve(1h);
  EXPECT_EQ(crash(), 1s);
  serve(1s);
  EXPECT_EQ(crash(), 2s);
  item.state = entity_state::loading; // and does not come to be ready
  now += 1h;
  EXPECT_EQ(crash(), 4s);
  EXPECT_EQ(crash(), 5s);
  serve(5s);
  EXPECT_EQ(crash(), 1s);
  EXPECT_EQ(item.restarts, 5u);
  EXPECT_EQ(item.restart_at, now + 1s);
}

TEST(entity_test, is_given_up_after_too_many_losses_within_the_window) {
  entity item;
  entity::time_point now{};
  serving_settings limits;
  limits.restart_limit = 2;
  limits.restart_window = 60s;
  auto crash = [&] {
    item.state = entity_state::ready;
    item.crashed("why", now, limits);
    return item.state;
  };
  EXPECT_EQ(crash(), entity_state::restarting);
  now += 30s;
  EXPECT_EQ(crash(), entity_state::restarting);
  now += 30s; // the first one is forgotten
  EXPECT_EQ(crash(), entity_state::restarting);
  now += 29s;
  EXPECT_EQ(crash(), entity_state::failed);
  EXPECT_EQ(item.reason, "why");
  EXPECT_EQ(item.restarts, 3u);
  limits.restart_limit = 0;
  for (int i = 0; i < 100; ++i)
    ASSERT_EQ(crash(), entity_state::restarting);
}

// -- reply_progress -----------------------------------------------------------

TEST(reply_progress_test, does_not_depend_on_how_tokens_are_cut_into_chunks) {
  const std::vector<std::string> texts = {
      "a", "\xC3", "\xA4", "", "st", "o", "sto", "p", "\xE2\x82", "tail"};
  const std::vector<std::vector<std::string>> stops = {
      {}, {"stop"}, {"stosto"}, {"\xC3\xA4st"}, {"tail", "\xEF\xBF\xBD"}};
  std::mt19937 random{7};
  for (const auto& stop : stops) {
    std::string expected;
    std::uint64_t tokens = 0;
    for (int round = 0; round < 50; ++round) {
      generation_request request;
      request.stop = stop;
      reply_progress progress{request};
      std::string text;
      auto finish = finish_reason::none;
      for (std::size_t at = 0;
           at < texts.size() && finish == finish_reason::none;) {
        token_chunk chunk;
        chunk.first = at + 1;
        auto count = round == 0 ? texts.size() : random() % 4;
        for (; count > 0 && at < texts.size(); --count, ++at)
          chunk.tokens.push_back({static_cast<token_id>(at), texts[at]});
        if (at == texts.size())
          chunk.finish = finish_reason::length;
        // Sent twice, as a worker thought dead would.
        auto step = progress.take(chunk);
        text += step.text;
        finish = step.finish;
        if (finish == finish_reason::none) {
          EXPECT_EQ(progress.take(chunk).text, "");
        }
      }
      if (round == 0) {
        expected = text;
        tokens = progress.last();
      }
      EXPECT_EQ(text, expected);
      EXPECT_EQ(progress.last(), tokens);
      EXPECT_NE(finish, finish_reason::none);
    }
  }
}

} // namespace model_server
