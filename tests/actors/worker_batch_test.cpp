// Who takes part in a step, and who is next.
#include "tests/actors/worker_fixture.hpp"

#include <gmock/gmock.h>

namespace model_server {

namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class worker_batch_test : public worker_fixture {};

// Keeps the loads that a worker reports.
load_watcher::behavior_type
recording_watcher(load_watcher::pointer,
                  std::shared_ptr<std::vector<worker_load>> loads) {
  return {
      [=](const worker_load& load) { loads->push_back(load); },
      [](const load_progress&) {},
  };
}

} // namespace

TEST_F(worker_batch_test, makes_a_numbered_token_a_step) {
  load();
  auto a = send("a");
  run();
  ASSERT_TRUE(a.answer->value);
  EXPECT_EQ(*a.answer->value, (admitted{7, "cpu", 3}));
  ASSERT_THAT(a.got->chunks, SizeIs(5));
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(a.got->chunks[i].id, a.id);
    EXPECT_EQ(a.got->chunks[i].incarnation, 7u);
    EXPECT_EQ(a.got->chunks[i].first, i + 1);
    EXPECT_THAT(a.got->chunks[i].tokens, SizeIs(1));
    EXPECT_EQ(a.got->chunks[i].finish, finish_reason::none);
  }
  // The end token is no part of the reply.
  EXPECT_THAT(a.got->chunks.back().tokens, IsEmpty());
  EXPECT_EQ(a.got->finish(), finish_reason::stop);
  EXPECT_EQ(a.got->text(), "1 2 3 4");
}

TEST_F(worker_batch_test, fills_the_batch_in_order_of_arrival) {
  plan->replies["a"] = numbered_reply(1);
  load();
  auto a = send("a"), b = send("b"), c = send("c"), d = send("d");
  run();
  EXPECT_THAT(plan->steps[0], ElementsAre("a", "b"));
  EXPECT_THAT(plan->steps[2], ElementsAre("b", "c")); // a has ended
  EXPECT_THAT(plan->steps[5], ElementsAre("c", "d")); // b has ended
  for (const auto& batch : plan->steps)
    EXPECT_LE(batch.size(), 2u);
  EXPECT_EQ(a.got->text(), "1");
  for (const auto* item : {&b, &c, &d})
    EXPECT_EQ(item->got->text(), "1 2 3 4");
}

TEST_F(worker_batch_test, takes_the_more_urgent_first_from_the_queue) {
  options.batch_size = 1;
  load();
  auto late = order("a"), soon = order("d");
  late.request.priority = 5;
  soon.request.priority = -5;
  auto all = {send(late), send("b"), send("c"), send(soon)};
  run();
  std::vector<std::string> turns;
  for (const auto& batch : plan->steps)
    if (turns.empty() || turns.back() != batch[0])
      turns.push_back(batch[0]);
  EXPECT_THAT(turns, ElementsAre("d", "b", "c", "a"));
  for (const auto& item : all)
    EXPECT_EQ(item.got->text(), "1 2 3 4");
}

TEST_F(worker_batch_test, an_urgent_request_waits_behind_resumed_ones) {
  options.batch_size = 1;
  load();
  auto running = send("a", 0);
  auto resumed = order("b"), urgent = order("c");
  resumed.resumed = true;
  urgent.request.priority = -5;
  send(urgent);
  send(resumed);
  run();
  ASSERT_GE(plan->steps.size(), 1u);
  EXPECT_THAT(plan->steps[0], ElementsAre("b"));
}

TEST_F(worker_batch_test, an_urgent_request_waits_behind_who_gave_up_a_place) {
  options.batch_size = 1;
  load();
  auto a = send("a", 2);
  run();
  auto b = send("b", 1);
  run();
  auto urgent = order("c");
  urgent.request.priority = -5;
  auto steps = plan->steps.size();
  caf::anon_send(subject, credit{a.id, no_limit});
  auto c = send(urgent);
  run();
  EXPECT_THAT(plan->steps[steps], ElementsAre("a"));
  EXPECT_EQ(c.got->text(), "1 2 3 4");
}

TEST_F(worker_batch_test,
       gives_the_place_of_a_short_reply_to_the_next_at_once) {
  plan->replies["long"] = numbered_reply(9);
  plan->replies["short"] = numbered_reply(1);
  load();
  auto one = send("long", 0), two = send("short", 0), three = send("b", 0);
  run();
  for (const auto* item : {&one, &two, &three})
    caf::anon_send(subject, credit{item->id, no_limit});
  run();
  std::vector<std::string> order_of_steps;
  for (const auto& batch : plan->steps)
    order_of_steps.push_back(batch.size() > 1 ? batch[1] : "");
  // Two steps for the short one (a token and the end), then b beside the long.
  EXPECT_THAT(order_of_steps, ElementsAre("short", "short", "b", "b", "b", "b",
                                          "b", "", "", ""));
  EXPECT_EQ(one.got->text(), joined(numbered_reply(9)));
}

TEST_F(worker_batch_test, takes_arrivals_between_steps) {
  plan->replies["a"] = numbered_reply(9);
  load();
  auto a = send("a");
  std::optional<sent> b;
  plan->before_step = [&] {
    if (plan->steps.size() == 2)
      b = send("b"); // while the third step runs
  };
  run();
  EXPECT_THAT(plan->steps[2], ElementsAre("a"));
  // Two messages later it has arrived.
  EXPECT_THAT(plan->steps[5], ElementsAre("a", "b"));
  EXPECT_EQ(a.got->text(), joined(numbered_reply(9)));
  EXPECT_EQ(b->got->text(), "1 2 3 4");
}

TEST_F(worker_batch_test, a_cancel_takes_effect_before_the_next_step) {
  load();
  auto a = send("a"), b = send("b"), c = send("c");
  plan->before_step = [&] {
    if (plan->steps.size() == 3)
      caf::anon_send(subject, cancel{b.id});
  };
  run();
  EXPECT_THAT(plan->steps[3], ElementsAre("a", "b"));
  EXPECT_THAT(plan->steps[4], ElementsAre("a", "c"));
  EXPECT_EQ(b.got->finish(), finish_reason::none);
  EXPECT_EQ(c.got->text(), "1 2 3 4");
}

TEST_F(worker_batch_test, a_cancel_works_while_waiting) {
  load();
  auto a = send("a"), b = send("b"), c = send("c"), d = send("d");
  plan->before_step = [&] {
    if (plan->steps.size() == 1)
      caf::anon_send(subject, cancel{c.id});
  };
  run();
  EXPECT_THAT(c.got->chunks, IsEmpty());
  EXPECT_EQ(d.got->text(), "1 2 3 4");
}

TEST_F(worker_batch_test, a_step_is_one_message_for_all_replies_of_a_sink) {
  load();
  auto a = send("a");
  auto b = order("b");
  ask<admitted>(subject, b, a.sink);
  run();
  EXPECT_THAT(a.got->chunks, SizeIs(10));
  EXPECT_EQ(a.got->steps, 5);
}

TEST_F(worker_batch_test,
       the_replies_of_a_sink_that_is_gone_free_their_places) {
  load();
  auto a = send("a"), b = send("b"), c = send("c");
  begin_ask<admitted>(subject, order("d"), a.sink);
  plan->before_step = [&] {
    if (plan->steps.size() == 1)
      caf::anon_send_exit(a.sink, caf::exit_reason::kill);
  };
  run();
  EXPECT_THAT(plan->steps, Contains(ElementsAre("b", "c")));
  EXPECT_NE(a.got->text(), "1 2 3 4");
  EXPECT_THAT(plan->released, SizeIs(4));
  EXPECT_THAT(plan->steps, Not(Contains(Contains("d"))));
  EXPECT_EQ(c.got->text(), "1 2 3 4");
}

TEST_F(worker_batch_test, replies_whose_clients_lag_leave_their_places) {
  load();
  auto a = send("a", 2), b = send("b", 2), c = send("c"), d = send("d");
  run();
  EXPECT_EQ(c.got->text(), "1 2 3 4");
  EXPECT_EQ(d.got->text(), "1 2 3 4");
  EXPECT_EQ(a.got->text(), "1 2");
  // Only what has ended is forgotten: the model goes on with the others.
  EXPECT_THAT(plan->released, SizeIs(2));
  for (const auto* item : {&a, &b})
    caf::anon_send(subject, credit{item->id, no_limit});
  run();
  EXPECT_EQ(a.got->text(), "1 2 3 4");
  EXPECT_EQ(b.got->text(), "1 2 3 4");
}

TEST_F(worker_batch_test, a_reply_that_lags_keeps_its_place_if_nobody_waits) {
  load();
  auto a = send("a", 2), b = send("b", 2);
  run();
  EXPECT_THAT(plan->released, IsEmpty());
  caf::anon_send(subject, credit{a.id, no_limit});
  run();
  EXPECT_EQ(a.got->text(), "1 2 3 4");
}

TEST_F(worker_batch_test,
       a_suspect_takes_steps_alone_until_it_is_past_the_place) {
  load();
  auto a = send("a");
  auto accused = order("b");
  accused.suspect_until = 2;
  accused.resumed = true;
  auto b = send(accused);
  run();
  EXPECT_THAT(plan->steps[0], ElementsAre("b")); // it was let in front
  EXPECT_THAT(plan->steps[1], ElementsAre("b"));
  EXPECT_THAT(plan->steps[2], ElementsAre("b", "a"));
  EXPECT_EQ(a.got->text(), "1 2 3 4");
  EXPECT_EQ(b.got->text(), "1 2 3 4");
}

TEST_F(worker_batch_test, stops_a_reply_at_its_credit_while_others_go_on) {
  load();
  auto a = send("a", 2), b = send("b");
  run();
  EXPECT_EQ(a.got->text(), "1 2");
  EXPECT_EQ(a.got->finish(), finish_reason::none);
  EXPECT_EQ(b.got->text(), "1 2 3 4");
  EXPECT_EQ(b.got->finish(), finish_reason::stop);
  // A model that makes several tokens a step knows of it.
  EXPECT_EQ(plan->reply_limits["a"], 2u);
  EXPECT_EQ(plan->reply_limits["b"], plan->context_length - plan->prompt_size);
  auto steps = plan->steps.size();
  run();
  EXPECT_EQ(plan->steps.size(), steps);     // it waits, it doesn't spin
  caf::anon_send(subject, credit{a.id, 1}); // less than before
  run();
  EXPECT_EQ(a.got->text(), "1 2");
  caf::anon_send(subject, credit{a.id, no_limit});
  run();
  EXPECT_EQ(a.got->text(), "1 2 3 4");
  EXPECT_EQ(plan->reply_limits["a"], plan->reply_limits["b"]);
}

TEST_F(worker_batch_test, lets_a_resumed_reply_pass_a_full_queue) {
  load();
  std::vector<sent> all;
  for (const auto* turn : {"a", "b", "c", "d", "e"})
    all.push_back(send(turn, 0));
  run();
  auto what = order("f");
  what.resumed = true;
  auto resumed = send(what);
  run();
  EXPECT_TRUE(resumed.answer->value);
  caf::anon_send(subject, cancel{all[0].id});
  run();
  // It is the first to get a place.
  EXPECT_EQ(resumed.got->text(), "1 2 3 4");
}

TEST_F(worker_batch_test, a_request_that_comes_again_replaces_the_first) {
  load();
  auto what = order("a", 1);
  auto first = send(what);
  run();
  what.credit = no_limit;
  auto second = send(what);
  run();
  EXPECT_EQ(first.got->text(), "1");
  EXPECT_EQ(second.got->text(), "1 2 3 4");
  EXPECT_THAT(plan->released, SizeIs(2));
}

TEST_F(worker_batch_test, shares_the_cores_with_those_who_compute_too) {
  options.threads = std::make_shared<thread_budget>(8);
  load();
  send("a", 1);
  run();
  EXPECT_THAT(plan->threads, ElementsAre(8));
  thread_share other{options.threads};
  other.hold();
  send("b");
  run();
  EXPECT_THAT(plan->threads, ElementsAre(8, 4));
  other.release();
  send("c");
  run();
  EXPECT_THAT(plan->threads, ElementsAre(8, 4, 8));
}

TEST_F(worker_batch_test, tells_how_much_of_a_prompt_was_cached) {
  plan->cached_tokens = 2;
  load();
  auto a = send("a");
  run();
  ASSERT_THAT(a.got->chunks, SizeIs(5));
  EXPECT_EQ(a.got->chunks[0].cached_tokens, 2u);
}

TEST_F(worker_batch_test, counts_a_reply_that_lacks_memory_as_waiting) {
  auto loads = std::make_shared<std::vector<worker_load>>();
  watcher = system.spawn(recording_watcher, loads);
  load();
  auto a = send("a", 1);
  run();
  EXPECT_EQ(loads->back().running, 1u);
  EXPECT_EQ(loads->back().waiting, 0u);
  plan->is_waiting = true;
  caf::anon_send(subject, credit{a.id, 2});
  run();
  EXPECT_EQ(loads->back().running, 0u);
  EXPECT_EQ(loads->back().waiting, 1u);
  caf::anon_send_exit(watcher, caf::exit_reason::kill);
  run();
}

TEST_F(worker_batch_test, tells_what_it_counts_and_uses) {
  auto loads = std::make_shared<std::vector<worker_load>>();
  watcher = system.spawn(recording_watcher, loads);
  options.measure_memory = [] { return std::uint64_t{77}; };
  load();
  ASSERT_THAT(*loads, SizeIs(1)); // before it has anything to do
  EXPECT_EQ(loads->back().counts.memory_bytes, 77u);
  auto a = send("a"), b = send("b");
  run();
  // Four tokens and the end of each.
  const auto& counts = loads->back().counts;
  EXPECT_EQ(counts.step_places, 10u);
  EXPECT_EQ(counts.steps[0] + 2 * counts.steps[1], 10u);
  caf::anon_send_exit(watcher, caf::exit_reason::kill);
  run();
}

TEST_F(worker_batch_test, tells_once_how_it_read_a_prompt) {
  plan->stalls = true;
  plan->before_step = [script = plan.get(), steps = 0]() mutable {
    script->stalls = ++steps < 3;
  };
  load();
  auto a = send("a");
  run();
  ASSERT_THAT(a.got->chunks, SizeIs(5));
  EXPECT_EQ(a.got->chunks[0].reading.steps, 3u);
  EXPECT_EQ(a.got->chunks[0].batch_size, 1u);
  EXPECT_EQ(a.got->chunks[1].reading, prompt_reading{});
}

} // namespace model_server
