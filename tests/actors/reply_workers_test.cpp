// A reply that loses its worker finds another, or says why not.
#include "tests/actors/reply_fixture.hpp"

#include <gmock/gmock.h>

#include <functional>

namespace model_server {

namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class reply_workers_test : public reply_fixture {};

// Answers submits in a way of its own, and does nothing else.
worker_actor::behavior_type answering_worker(
    worker_actor::pointer self,
    std::function<caf::result<admitted>(worker_actor::pointer)> answer) {
  return {
      [](load_atom, const load_watcher&) { return worker_ready{}; },
      [=](const submit&, const token_sink&) { return answer(self); },
      [](const tokenize&) { return tokenized{}; },
      [](const detokenize&) { return detokenized{}; },
      [](const credit&) {},
      [](const cancel&) {},
      [](hand_over_atom) { return std::uint32_t{0}; },
      [](finish_atom) { return caf::ok_atom::value; },
      [](const end_replies&) {},
      [](shed_atom) {},
      [](step_atom) {},
  };
}

} // namespace

TEST_F(reply_workers_test, a_refused_request_fails_with_the_refusal) {
  auto refusal = failure{errc::queue_full, "3 wait, the limit is 3", "", 4};
  at_door->refusals = {to_error(refusal)};
  start();
  EXPECT_FALSE(client->begun);
  EXPECT_EQ(client->failed, refusal);
  EXPECT_TRUE(client->is_closed);
}

TEST_F(reply_workers_test, a_new_request_does_not_wait_for_a_loading_model) {
  at_door->refusals = {to_error(loading())};
  start();
  EXPECT_EQ(client->failed, loading());
}

TEST_F(reply_workers_test, what_is_promised_waits_but_passes_no_full_queue) {
  options.is_promised = true;
  at_door->refusals = {to_error(loading()), to_error(loading())};
  start();
  advance(1s);
  EXPECT_TRUE(client->begun);
  ASSERT_THAT(records[0]->submits, SizeIs(1));
  EXPECT_FALSE(records[0]->submits[0].resumed);
}

TEST_F(reply_workers_test, waits_for_another_worker_after_losing_one) {
  start();
  make(1, {"a", "b"});
  at_door->refusals = {to_error(loading()), to_error(loading()),
                       to_error({errc::model_not_active, "", "", 0})};
  start_worker();
  kill(workers[0]);
  EXPECT_THAT(records[1]->submits, IsEmpty());
  advance(1s);
  ASSERT_THAT(records[1]->submits, SizeIs(1));
  EXPECT_EQ(records[1]->submits[0].attempt, 2u);
  EXPECT_TRUE(records[1]->submits[0].resumed);
  EXPECT_THAT(records[1]->submits[0].log, ElementsAre(101, 102));
  make(3, {"c"}, finish_reason::length);
  EXPECT_EQ(client->text, "abc");
  ASSERT_TRUE(client->end);
  EXPECT_EQ(client->end->completion_tokens, 3u);
  EXPECT_EQ(client->end->device, "dev:2");
  EXPECT_EQ(client->end->cached_tokens, 2u); // of the first token
  EXPECT_EQ(client->broken, "");
}

TEST_F(reply_workers_test, waits_for_a_worker_no_longer_than_the_limit) {
  options.worker_wait = 5s;
  start();
  make(1, {"a"});
  at_door->refusals.assign(1000, to_error(loading()));
  kill(workers[0]);
  advance(4990ms);
  EXPECT_FALSE(client->has_ended());
  advance(10ms);
  ASSERT_TRUE(client->failed);
  EXPECT_EQ(client->failed->code, errc::worker_lost);
  EXPECT_THAT(client->failed->message, HasSubstr("5000 ms"));
}

TEST_F(reply_workers_test, adds_up_its_waits_until_a_token_comes) {
  options.worker_wait = 5s;
  options.max_attempts = 10;
  start();
  at_door->refusals.assign(30, to_error(loading())); // three seconds
  start_worker();
  kill(workers[0]);
  advance(4s);
  ASSERT_THAT(records[1]->submits, SizeIs(1));
  at_door->refusals.assign(1000, to_error(loading()));
  kill(workers[1]);
  advance(1900ms);
  EXPECT_FALSE(client->has_ended());
  advance(200ms);
  EXPECT_TRUE(client->failed);
}

TEST_F(reply_workers_test, begins_to_wait_anew_after_a_token) {
  options.worker_wait = 5s;
  options.max_attempts = 10;
  start();
  for (std::uint64_t k = 1; k <= 3; ++k) {
    at_door->refusals.assign(30, to_error(loading())); // three seconds
    start_worker();
    kill(workers[workers.size() - 2]);
    advance(4s);
    EXPECT_FALSE(client->has_ended());
    make(k, {"a"});
  }
  EXPECT_EQ(client->text, "aaa");
}

TEST_F(reply_workers_test, gives_up_after_the_most_attempts) {
  options.max_attempts = 3;
  start();
  for (int lost = 0; lost < 2; ++lost) {
    start_worker();
    kill(workers[workers.size() - 2]);
    EXPECT_FALSE(client->has_ended());
  }
  EXPECT_EQ(records[2]->submits.at(0).attempt, 3u);
  kill(workers[2]);
  ASSERT_TRUE(client->failed);
  EXPECT_EQ(client->failed->code, errc::worker_lost);
  EXPECT_THAT(client->failed->message,
              HasSubstr("3 workers were lost under this request, the limit "
                        "is 3"));
}

TEST_F(reply_workers_test, a_worker_that_was_gone_already_is_no_attempt) {
  at_door->refusals = {caf::make_error(caf::sec::request_receiver_down)};
  start();
  EXPECT_FALSE(client->begun);
  advance(100ms);
  EXPECT_TRUE(client->begun);
  EXPECT_EQ(records[0]->submits.at(0).attempt, 1u);
}

TEST_F(reply_workers_test, who_was_not_in_the_step_counts_no_attempt) {
  start();
  start_worker();
  kill(workers[0], {true, true, {{7, 0}}});
  EXPECT_EQ(records[1]->submits.at(0).attempt, 1u);
  EXPECT_EQ(records[1]->submits.at(0).suspect_until, 0u);
}

TEST_F(reply_workers_test, who_was_in_a_step_that_broke_is_a_suspect) {
  start();
  make(1, {"a", "b"});
  start_worker();
  kill(workers[0], {true, true, {{7, 0}, {1, 3}}}); // token 3 never came
  EXPECT_EQ(records[1]->submits.at(0).attempt, 2u);
  EXPECT_EQ(records[1]->submits.at(0).suspect_until, 4u);
}

TEST_F(reply_workers_test, a_worker_that_is_ended_from_outside_accuses_nobody) {
  start();
  make(1, {"a"});
  start_worker();
  kill(workers[0], {false, true, {{1, 1}}});
  EXPECT_EQ(records[1]->submits.at(0).attempt, 2u);
  EXPECT_EQ(records[1]->submits.at(0).suspect_until, 0u);
}

TEST_F(reply_workers_test, a_fault_between_two_steps_counts_for_all) {
  options.max_attempts = 2;
  start();
  start_worker();
  kill(workers[0], {true, true, {}});
  EXPECT_EQ(records[1]->submits.at(0).attempt, 2u);
  EXPECT_EQ(records[1]->submits.at(0).suspect_until, 0u);
  kill(workers[1], {true, true, {}});
  ASSERT_TRUE(client->failed);
  EXPECT_EQ(client->failed->code, errc::worker_lost);
}

TEST_F(reply_workers_test, a_suspect_that_breaks_another_worker_alone_fails) {
  start();
  make(1, {"a"});
  start_worker();
  kill(workers[0], {true, true, {{7, 0}, {1, 1}}});
  kill(workers[1], {true, true, {{1, 1}}});
  ASSERT_TRUE(client->failed);
  EXPECT_EQ(client->failed->code, errc::poison_request);
  EXPECT_EQ(client->text, "a");
  EXPECT_EQ(client->broken, "");
}

TEST_F(reply_workers_test, a_suspect_that_came_past_the_place_is_cleared) {
  start();
  start_worker();
  kill(workers[0], {true, true, {{7, 0}, {1, 0}}});
  make(1, {"a"}); // the step that broke is behind it
  start_worker();
  kill(workers[1], {true, true, {{1, 1}}});
  EXPECT_FALSE(client->has_ended());
  EXPECT_EQ(records[2]->submits.at(0).suspect_until, 2u);
}

TEST_F(reply_workers_test, goes_on_though_nobody_tells_why_the_worker_ended) {
  start();
  make(1, {"a"});
  start_worker();
  caf::anon_send_exit(workers[0], caf::exit_reason::kill);
  advance(1990ms);
  EXPECT_THAT(records[1]->submits, IsEmpty());
  advance(10ms);
  ASSERT_THAT(records[1]->submits, SizeIs(1));
  EXPECT_EQ(records[1]->submits[0].attempt, 2u);
}

TEST_F(reply_workers_test, a_worker_lost_before_it_answered_is_followed) {
  workers[0] = system.spawn(answering_worker, [](worker_actor::pointer self) {
    return caf::result<admitted>{self->make_response_promise<admitted>()};
  });
  at_door->next = workers[0];
  start();
  EXPECT_FALSE(client->begun);
  start_worker();
  kill(workers[0], {true, true, {{1, 0}}});
  EXPECT_TRUE(client->begun);
  EXPECT_EQ(records[1]->submits.at(0).suspect_until, 1u);
}

TEST_F(reply_workers_test,
       a_worker_told_to_go_before_it_is_asked_is_passed_by) {
  start_worker();
  auto other = at_door->next;
  at_door->incarnation = 1;
  at_door->next =
      system.spawn(answering_worker, [=, this](worker_actor::pointer) {
        at_door->next = other;
        at_door->incarnation = 2;
        return caf::result<admitted>{to_error(
            {errc::model_loading, "this worker takes nothing", "", 1})};
      });
  workers.push_back(at_door->next);
  start();
  EXPECT_TRUE(client->begun);
  ASSERT_THAT(records[1]->submits, SizeIs(1));
  EXPECT_EQ(records[1]->submits[0].attempt, 1u);
}

TEST_F(reply_workers_test, what_a_client_takes_between_two_workers_counts) {
  client->reports_progress = true;
  options.credit = 2;
  start();
  make(1, {"a", "b"}); // all that it may
  start_worker();
  caf::anon_send(subject, moved{1, 1});
  caf::anon_send(subject, written{2});
  run();
  ASSERT_THAT(records[1]->submits, SizeIs(1));
  ASSERT_FALSE(records[1]->credits.empty());
  EXPECT_GT(records[1]->credits.back().up_to, 2u);
}

TEST_F(reply_workers_test, moves_without_counting_an_attempt) {
  start();
  make(1, {"a"});
  start_worker();
  caf::anon_send(subject, moved{1, 1});
  run();
  ASSERT_THAT(records[1]->submits, SizeIs(1));
  EXPECT_EQ(records[1]->submits[0].attempt, 1u);
  EXPECT_TRUE(records[1]->submits[0].resumed);
  kill(workers[0]); // no longer its own
  EXPECT_EQ(at_door->submits, 2);
  caf::anon_send(subject, moved{1, 1}); // told twice
  run();
  EXPECT_EQ(at_door->submits, 2);
}

TEST_F(reply_workers_test, a_resumed_request_keeps_its_credit) {
  client->reports_progress = true;
  options.credit = 4;
  start();
  make(1, {"a", "b"});
  caf::anon_send(subject, written{2});
  start_worker();
  kill(workers[0]);
  EXPECT_EQ(records[1]->submits.at(0).credit, 6u);
}

TEST_F(reply_workers_test, takes_no_answer_after_its_client_left) {
  at_door->refusals = {caf::make_error(caf::sec::request_receiver_down)};
  start();
  caf::anon_send(subject, client_left{});
  advance(1s);
  EXPECT_TRUE(client->is_closed);
  EXPECT_FALSE(client->begun);
  EXPECT_THAT(records[0]->submits, IsEmpty());
}

} // namespace model_server
