// One worker among recording sinks: batches, credit, limits, faults.
#include "actors/worker.hpp"
#include "tests/support/actor_fixture.hpp"
#include "tests/support/scripted_entry.hpp"

#include <gmock/gmock.h>

#include <map>

namespace model_server {

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::uint64_t no_limit = 1'000'000;

// What a reply actor was told.
struct sink_record {
  std::vector<token_chunk> chunks;
  std::vector<reply_failed> failures;
  std::vector<moved> moves;

  std::string text() const {
    std::string result;
    for (const auto& chunk : chunks)
      for (const auto& item : chunk.tokens)
        result += item.text;
    return result;
  }

  finish_reason finish() const {
    return chunks.empty() ? finish_reason::none : chunks.back().finish;
  }
};

reply_actor::behavior_type recording_sink(reply_actor::pointer,
                                          std::shared_ptr<sink_record> record) {
  return {
      [=](const token_chunk& chunk) { record->chunks.push_back(chunk); },
      [=](const reply_failed& end) { record->failures.push_back(end); },
      [=](const moved& notice) { record->moves.push_back(notice); },
      [](const stop_reply&) {},
      [](const written&) {},
      [](client_left) {},
      [](retry_atom) {},
      [](tick_atom) {},
  };
}

class worker_test : public actor_fixture {
protected:
  struct sent {
    std::shared_ptr<sink_record> got;
    reply_actor sink;
    std::shared_ptr<pending_answer<admitted>> answer;
    request_id id;
  };

  worker_test() {
    options.incarnation = 7;
    options.batch_size = 2;
    options.max_queued = 3;
    options.make_entry = [plan = plan] {
      return std::make_unique<scripted_entry>(plan);
    };
    for (const auto* turn : {"a", "b", "c", "d", "e", "f"})
      plan->replies[turn] = numbered_reply(4);
  }

  ~worker_test() override {
    caf::anon_send_exit(subject, caf::exit_reason::user_shutdown);
    for (const auto& sink : sinks)
      caf::anon_send_exit(sink, caf::exit_reason::user_shutdown);
    run();
  }

  void load() {
    subject = system.spawn(worker, options);
    ask<worker_ready>(subject, load_atom::value);
  }

  submit order(const std::string& turn, std::uint64_t credit = no_limit) {
    submit result;
    result.request.id = ++last_id;
    result.request.conversation = says(turn);
    result.credit = credit;
    return result;
  }

  // Submits; nothing moves before `run`.
  sent send(submit what) {
    sent result;
    result.id = what.request.id;
    result.got = std::make_shared<sink_record>();
    result.sink = system.spawn(recording_sink, result.got);
    sinks.push_back(result.sink);
    result.answer = begin_ask<admitted>(subject, what, result.sink);
    return result;
  }

  sent send(const std::string& turn, std::uint64_t credit = no_limit) {
    return send(order(turn, credit));
  }

  std::shared_ptr<script> plan = std::make_shared<script>();
  worker_options options;
  worker_actor subject;
  std::vector<reply_actor> sinks;
  request_id last_id = 0;
};

} // namespace

TEST_F(worker_test, tells_what_it_has_loaded) {
  subject = system.spawn(worker, options);
  auto ready = ask<worker_ready>(subject, load_atom::value);
  EXPECT_EQ(ready.incarnation, 7u);
  EXPECT_EQ(ready.context_length, 1000u);
}

TEST_F(worker_test, says_why_it_cannot_load_and_ends) {
  options.make_entry = []() -> std::unique_ptr<model_entry> {
    throw std::runtime_error("no such file: model.safetensors");
  };
  subject = system.spawn(worker, options);
  auto refused = ask_failure<worker_ready>(subject, load_atom::value);
  EXPECT_EQ(refused.code, errc::load_failed);
  EXPECT_EQ(refused.message, "no such file: model.safetensors");
  EXPECT_FALSE(
      begin_ask<worker_ready>(subject, load_atom::value)->value.has_value());
}

TEST_F(worker_test, makes_a_numbered_token_a_step) {
  load();
  auto a = send("a");
  run();
  ASSERT_TRUE(a.answer->value);
  EXPECT_EQ(*a.answer->value, (admitted{7, "cpu", 3, 0}));
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

TEST_F(worker_test, keeps_the_space_of_a_reply_that_continues_a_turn) {
  load();
  auto what = order("a");
  what.request.conversation.messages.back().role = chat_role::agent;
  auto a = send(what);
  run();
  EXPECT_EQ(a.got->text(), " 1 2 3 4");
}

TEST_F(worker_test, fills_the_batch_in_order_of_arrival) {
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

TEST_F(worker_test, gives_the_place_of_a_short_reply_to_the_next_at_once) {
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

TEST_F(worker_test, takes_arrivals_between_steps) {
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

TEST_F(worker_test, a_cancel_takes_effect_before_the_next_step) {
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

TEST_F(worker_test, a_cancel_works_while_waiting) {
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

TEST_F(worker_test, a_reply_that_is_gone_frees_its_place_within_a_step) {
  load();
  auto a = send("a", 2), b = send("b", 2), c = send("c");
  run();
  EXPECT_THAT(c.got->chunks, IsEmpty());
  caf::anon_send_exit(a.sink, caf::exit_reason::kill);
  run();
  EXPECT_THAT(plan->released, SizeIs(2));
  EXPECT_EQ(c.got->text(), "1 2 3 4");
}

TEST_F(worker_test, refuses_when_the_queue_is_full) {
  load();
  std::vector<sent> all;
  for (const auto* turn : {"a", "b", "c", "d", "e"})
    all.push_back(send(turn, 0)); // two places, three that wait
  run();
  auto refused = send("f", 0);
  run();
  ASSERT_TRUE(refused.answer->failed);
  EXPECT_EQ(refused.answer->failed->code, errc::queue_full);
  EXPECT_THAT(refused.answer->failed->message,
              HasSubstr("3 requests are waiting, the limit is 3"));
  EXPECT_EQ(refused.answer->failed->retry_after, 1u); // nothing measured yet
}

TEST_F(worker_test, takes_a_full_batch_and_queue_in_one_burst) {
  load();
  std::vector<sent> all;
  for (const auto* turn : {"a", "b", "c", "d", "e", "f"})
    all.push_back(send(turn, 0));
  // The submits come before the first step, so all of them wait.
  run();
  for (std::size_t i = 0; i < 5; ++i)
    EXPECT_TRUE(all[i].answer->value) << i;
  EXPECT_TRUE(all[5].answer->failed);
}

TEST_F(worker_test, computes_when_a_full_queue_will_have_room) {
  plan->before_step = [this] {
    scheduler.clock().current_time += std::chrono::milliseconds{500};
  };
  load();
  for (const auto* turn : {"a", "b"})
    send(turn); // 4 tokens a reply, at 2 to 4 a second
  run();
  for (const auto* turn : {"a", "b", "c", "d", "e"})
    send(turn, 0);
  run();
  auto refused = send("f", 0);
  run();
  ASSERT_TRUE(refused.answer->failed);
  // 3 replies of 4 tokens at that speed.
  EXPECT_GE(refused.answer->failed->retry_after, 3u);
  EXPECT_LE(refused.answer->failed->retry_after, 6u);
}

TEST_F(worker_test, lets_a_resumed_reply_pass_a_full_queue) {
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

TEST_F(worker_test, refuses_a_prompt_that_leaves_no_room) {
  plan->context_length = 3;
  load();
  auto a = send("a");
  run();
  ASSERT_TRUE(a.answer->failed);
  EXPECT_EQ(a.answer->failed->code, errc::context_length_exceeded);
  EXPECT_EQ(a.answer->failed->param, "messages");
  EXPECT_THAT(a.answer->failed->message, HasSubstr("3 tokens"));
  EXPECT_THAT(a.answer->failed->message, HasSubstr("context of 3"));
}

TEST_F(worker_test, refuses_a_chat_that_the_template_refuses) {
  plan->before_encode = [](const chat&) {
    throw bad_chat("roles must alternate");
  };
  load();
  auto a = send("a");
  run();
  ASSERT_TRUE(a.answer->failed);
  EXPECT_EQ(*a.answer->failed,
            (failure{errc::bad_chat, "roles must alternate", "messages", 0}));
  plan->before_encode = nullptr;
  auto b = send("b");
  run();
  EXPECT_EQ(b.got->text(), "1 2 3 4"); // nothing else was harmed
}

TEST_F(worker_test, ends_at_the_most_tokens_of_the_request) {
  load();
  auto what = order("a");
  what.request.max_tokens = 2;
  auto a = send(what);
  run();
  EXPECT_EQ(a.got->text(), "1 2");
  EXPECT_EQ(a.got->finish(), finish_reason::length);
  EXPECT_THAT(a.got->chunks, SizeIs(2)); // told with the last token
}

TEST_F(worker_test, ends_at_the_most_tokens_of_the_model) {
  plan->default_max_tokens = 3;
  load();
  auto a = send("a");
  run();
  EXPECT_EQ(a.got->text(), "1 2 3");
  EXPECT_EQ(a.got->finish(), finish_reason::length);
}

TEST_F(worker_test, ends_at_the_context_length) {
  plan->context_length = 5;
  load();
  auto what = order("a");
  what.request.max_tokens = 100;
  auto a = send(what);
  run();
  EXPECT_EQ(a.got->text(), "1 2");
  EXPECT_EQ(a.got->finish(), finish_reason::length);
}

TEST_F(worker_test, cuts_what_a_step_makes_beyond_the_end) {
  plan->tokens_per_step = 3;
  load();
  auto what = order("a");
  what.request.max_tokens = 2;
  auto a = send(what), b = send("b");
  run();
  EXPECT_EQ(a.got->text(), "1 2");
  EXPECT_EQ(b.got->text(), "1 2 3 4");
  EXPECT_EQ(b.got->finish(), finish_reason::stop);
  EXPECT_THAT(b.got->chunks, SizeIs(2));
}

TEST_F(worker_test, stops_a_reply_at_its_credit_while_others_go_on) {
  load();
  auto a = send("a", 2), b = send("b");
  run();
  EXPECT_EQ(a.got->text(), "1 2");
  EXPECT_EQ(a.got->finish(), finish_reason::none);
  EXPECT_EQ(b.got->text(), "1 2 3 4");
  EXPECT_EQ(b.got->finish(), finish_reason::stop);
  auto steps = plan->steps.size();
  run();
  EXPECT_EQ(plan->steps.size(), steps);     // it waits, it doesn't spin
  caf::anon_send(subject, credit{a.id, 1}); // less than before
  run();
  EXPECT_EQ(a.got->text(), "1 2");
  caf::anon_send(subject, credit{a.id, no_limit});
  run();
  EXPECT_EQ(a.got->text(), "1 2 3 4");
}

TEST_F(worker_test, goes_on_from_a_log) {
  load();
  // The texts are tokens 1 to 4.
  auto what = order("a");
  what.log = {1, 2};
  what.resumed = true;
  auto a = send(what);
  run();
  EXPECT_EQ(a.got->chunks.front().first, 3u);
  EXPECT_EQ(a.got->text(), " 3 4");
  EXPECT_EQ(a.got->finish(), finish_reason::stop);
}

TEST_F(worker_test, ends_a_log_that_is_complete_at_once) {
  load();
  auto what = order("a");
  what.request.max_tokens = 2;
  what.log = {1, 2};
  what.resumed = true;
  auto a = send(what);
  run();
  ASSERT_TRUE(a.answer->value);
  ASSERT_THAT(a.got->chunks, SizeIs(1));
  EXPECT_EQ(a.got->chunks[0].first, 3u);
  EXPECT_THAT(a.got->chunks[0].tokens, IsEmpty());
  EXPECT_EQ(a.got->finish(), finish_reason::length);
  EXPECT_THAT(plan->steps, IsEmpty());
}

TEST_F(worker_test, a_failure_ends_one_reply_alone) {
  plan->before_token = [](const std::string& turn, std::size_t number) {
    return turn == "a" && number == 3 ? "not a number among the scores" : "";
  };
  load();
  auto a = send("a"), b = send("b");
  run();
  ASSERT_THAT(a.got->failures, SizeIs(1));
  EXPECT_EQ(a.got->failures[0],
            (reply_failed{
                a.id,
                7,
                {errc::model_failed, "not a number among the scores", "", 0}}));
  EXPECT_EQ(a.got->text(), "1 2");
  EXPECT_EQ(b.got->text(), "1 2 3 4");
}

TEST_F(worker_test, an_exception_ends_the_worker_with_its_text) {
  plan->before_token = [](const std::string&, std::size_t) -> std::string {
    throw std::runtime_error("device lost");
  };
  load();
  caf::error reason;
  auto watch = [&](caf::event_based_actor* self, const worker_actor& whom) {
    self->monitor(whom);
    self->set_down_handler(
        [&](caf::down_msg& down) { reason = std::move(down.reason); });
    return caf::behavior{[](int) {}};
  };
  auto watcher = system.spawn(watch, subject);
  send("a");
  run();
  EXPECT_EQ(to_failure(reason).code, errc::model_failed) << describe(reason);
  EXPECT_EQ(to_failure(reason).message, "device lost");
}

TEST_F(worker_test, a_chat_that_breaks_the_model_is_told_so) {
  plan->before_encode = [](const chat&) { throw 42; };
  load();
  auto a = send("a");
  run();
  ASSERT_TRUE(a.answer->failed);
  EXPECT_EQ(a.answer->failed->code, errc::worker_lost);
  auto after = send("b");
  run();
  EXPECT_TRUE(after.answer->error); // the worker is gone
}

TEST_F(worker_test, resolves_what_is_in_force) {
  plan->defaults.temperature = 0.5;
  plan->defaults.top_p = 0.9;
  load();
  auto what = order("a");
  what.request.sampling.top_p = 0.3;
  what.request.seed = 99;
  send(what);
  run();
  sampling_params expected;
  expected.temperature = 0.5;
  expected.top_p = 0.3;
  expected.seed = 99;
  EXPECT_EQ(plan->sampling.at("a"), expected);
}

TEST_F(worker_test, hands_over_running_and_waiting_replies) {
  load();
  auto a = send("a", 1), b = send("b", 1), c = send("c", 1);
  run();
  EXPECT_EQ(ask<std::uint32_t>(subject, hand_over_atom::value), 3u);
  for (const auto* item : {&a, &b, &c}) {
    ASSERT_THAT(item->got->moves, SizeIs(1));
    EXPECT_EQ(item->got->moves[0], (moved{item->id, 7}));
  }
  auto late = send("d");
  run();
  ASSERT_TRUE(late.answer->failed);
  EXPECT_EQ(late.answer->failed->code, errc::model_loading);
}

TEST_F(worker_test, answers_finish_when_the_last_reply_has_ended) {
  load();
  auto a = send("a", 1);
  run();
  auto finished = begin_ask<caf::ok_atom>(subject, finish_atom::value);
  run();
  EXPECT_FALSE(finished->has_come());
  caf::anon_send(subject, credit{a.id, no_limit});
  run();
  EXPECT_TRUE(finished->value);
  EXPECT_EQ(a.got->text(), "1 2 3 4");
}

TEST_F(worker_test, ends_all_replies_when_told) {
  load();
  auto a = send("a", 1), b = send("b", 1), c = send("c", 0);
  run();
  auto finished = begin_ask<caf::ok_atom>(subject, finish_atom::value);
  run();
  auto reason = failure{errc::shutting_down, "enough", "", 0};
  caf::anon_send(subject, end_replies{reason});
  run();
  EXPECT_TRUE(finished->value);
  for (const auto* item : {&a, &b, &c}) {
    ASSERT_THAT(item->got->failures, SizeIs(1));
    EXPECT_EQ(item->got->failures[0].reason, reason);
  }
}

TEST_F(worker_test, a_request_that_comes_again_replaces_the_first) {
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

TEST_F(worker_test, shares_the_cores_with_those_who_compute_too) {
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

} // namespace model_server
