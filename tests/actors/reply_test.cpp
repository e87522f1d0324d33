// One reply between a gateway and workers that the test plays.
#include "actors/reply.hpp"
#include "tests/support/actor_fixture.hpp"
#include "tests/support/recording_writer.hpp"
#include "tests/support/scripted_entry.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <gmock/gmock.h>

#include <deque>

namespace model_server {

namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// What a worker of the test was told.
struct worker_record {
  std::vector<submit> submits;
  std::vector<credit> credits;
  std::vector<cancel> cancels;
};

// A worker that takes every request and makes nothing by itself.
worker_actor::behavior_type passive_worker(worker_actor::pointer,
                                           std::uint64_t incarnation,
                                           std::shared_ptr<worker_record> log) {
  return {
      [=](load_atom) {
        return worker_ready{incarnation, 100};
      },
      [=](const submit& order, const reply_actor&) {
        log->submits.push_back(order);
        return admitted{incarnation, "dev:" + std::to_string(incarnation), 5,
                        2};
      },
      [=](const credit& more) { log->credits.push_back(more); },
      [=](const cancel& order) { log->cancels.push_back(order); },
      [](hand_over_atom) { return std::uint32_t{0}; },
      [](finish_atom) { return caf::ok_atom::value; },
      [](const end_replies&) {},
      [](step_atom) {},
  };
}

// What the gateway of the test does with the next submits.
struct door_record {
  // Refusals to answer first, in order.
  std::deque<caf::error> refusals;
  worker_actor next;
  int submits = 0;
};

gateway_actor::behavior_type
scripted_gateway(gateway_actor::pointer self,
                 std::shared_ptr<door_record> log) {
  return {
      [=](submit& order, reply_actor& sink) -> caf::result<admitted> {
        ++log->submits;
        if (!log->refusals.empty()) {
          auto result = log->refusals.front();
          log->refusals.pop_front();
          return result;
        }
        return self->delegate(log->next, std::move(order), std::move(sink));
      },
      [](const add_device&) { return device_report{}; },
      [](const remove_device&) { return device_report{}; },
      [](const activate_model&) { return device_report{}; },
      [](get_status) { return server_status{}; },
      [](const drain&) { return std::uint32_t{0}; },
      [](tick_atom) {},
  };
}

failure loading() {
  return {errc::model_loading, "'m' is being loaded", "", 2};
}

class reply_test : public actor_fixture {
protected:
  reply_test() {
    door = system.spawn(scripted_gateway, at_door);
    start_worker();
  }

  ~reply_test() override {
    caf::anon_send_exit(subject, caf::exit_reason::kill);
    caf::anon_send_exit(door, caf::exit_reason::kill);
    for (const auto& worker : workers)
      caf::anon_send_exit(worker, caf::exit_reason::kill);
    run();
  }

  // The next worker that the gateway chooses, of the next incarnation.
  void start_worker() {
    records.push_back(std::make_shared<worker_record>());
    workers.push_back(
        system.spawn(passive_worker, records.size(), records.back()));
    at_door->next = workers.back();
  }

  void start() {
    options.gateway = door;
    options.request.id = 1;
    options.request.model = "m";
    options.request.conversation = says("hello");
    options.request.seed = 77;
    options.writer = std::make_unique<recording_writer>(client);
    subject = spawn_reply(system, std::move(options));
    run();
  }

  // Sends tokens as the latest worker would.
  void make(std::uint64_t first, std::vector<std::string> texts,
            finish_reason finish = finish_reason::none,
            std::uint64_t incarnation = 0) {
    token_chunk chunk;
    chunk.id = 1;
    chunk.incarnation = incarnation ? incarnation : workers.size();
    chunk.first = first;
    for (auto& text : texts)
      chunk.tokens.push_back(
          {static_cast<token_id>(100 + first + chunk.tokens.size()),
           std::move(text)});
    chunk.finish = finish;
    caf::anon_send(subject, chunk);
    run();
  }

  void kill(const worker_actor& victim) {
    caf::anon_send_exit(victim, caf::exit_reason::kill);
    run();
  }

  std::shared_ptr<door_record> at_door = std::make_shared<door_record>();
  std::vector<std::shared_ptr<worker_record>> records;
  std::vector<worker_actor> workers;
  std::shared_ptr<transcript> client = std::make_shared<transcript>();
  gateway_actor door;
  reply_options options;
  reply_actor subject;
};

} // namespace

TEST_F(reply_test, passes_text_on_and_ends_once) {
  start();
  ASSERT_TRUE(client->begun);
  EXPECT_EQ(client->begun->device, "dev:1");
  make(1, {"a"});
  make(2, {"b", "c"});
  make(4, {"d"}, finish_reason::stop);
  EXPECT_EQ(client->text, "abcd");
  EXPECT_THAT(client->pieces, ElementsAre(std::pair{"a", 1}, std::pair{"bc", 3},
                                          std::pair{"d", 4}));
  ASSERT_TRUE(client->end);
  EXPECT_EQ(client->end->finish, finish_reason::stop);
  EXPECT_EQ(client->end->seed, 77u);
  EXPECT_EQ(client->end->device, "dev:1");
  EXPECT_EQ(client->end->prompt_tokens, 5u);
  EXPECT_EQ(client->end->completion_tokens, 4u);
  EXPECT_EQ(client->end->cached_tokens, 2u);
  EXPECT_TRUE(client->is_closed);
  EXPECT_EQ(client->broken, "");
  EXPECT_THAT(records[0]->cancels, IsEmpty());
}

TEST_F(reply_test, a_refused_request_fails_with_the_refusal) {
  auto refusal = failure{errc::queue_full, "3 wait, the limit is 3", "", 4};
  at_door->refusals = {to_error(refusal)};
  start();
  EXPECT_FALSE(client->begun);
  EXPECT_EQ(client->failed, refusal);
  EXPECT_TRUE(client->is_closed);
}

TEST_F(reply_test, a_new_request_does_not_wait_for_a_loading_model) {
  at_door->refusals = {to_error(loading())};
  start();
  EXPECT_EQ(client->failed, loading());
}

TEST_F(reply_test, waits_for_another_worker_after_losing_one) {
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
  EXPECT_EQ(client->broken, "");
}

TEST_F(reply_test, waits_for_a_worker_no_longer_than_the_limit) {
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

TEST_F(reply_test, adds_up_its_waits) {
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

TEST_F(reply_test, gives_up_after_the_most_attempts) {
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

TEST_F(reply_test, a_chat_that_breaks_the_model_counts_as_an_attempt) {
  options.max_attempts = 2;
  at_door->refusals = {to_error({errc::worker_lost, "", "", 0}),
                       to_error({errc::worker_lost, "", "", 0})};
  start();
  ASSERT_TRUE(client->failed);
  EXPECT_EQ(client->failed->code, errc::worker_lost);
  EXPECT_EQ(at_door->submits, 2);
}

TEST_F(reply_test, a_worker_that_was_gone_already_is_no_attempt) {
  at_door->refusals = {caf::make_error(caf::sec::request_receiver_down)};
  start();
  EXPECT_FALSE(client->begun);
  advance(100ms);
  EXPECT_TRUE(client->begun);
  EXPECT_EQ(records[0]->submits.at(0).attempt, 1u);
}

TEST_F(reply_test, drops_tokens_of_an_old_incarnation) {
  start();
  make(1, {"a"});
  start_worker();
  kill(workers[0]);
  make(2, {"X"}, finish_reason::stop, 1);
  EXPECT_EQ(client->text, "a");
  EXPECT_FALSE(client->has_ended());
  make(2, {"b"}, finish_reason::stop, 2);
  EXPECT_EQ(client->text, "ab");
}

TEST_F(reply_test, drops_tokens_it_has_while_it_has_no_worker) {
  start();
  at_door->refusals = {to_error(loading())};
  kill(workers[0]);
  make(1, {"X"}, finish_reason::stop, 1);
  EXPECT_EQ(client->text, "");
  EXPECT_FALSE(client->has_ended());
}

TEST_F(reply_test, drops_numbers_that_it_knows) {
  start();
  make(1, {"a", "b"});
  make(1, {"X", "Y"});
  make(2, {"Y", "c"});
  make(1, {"X"}, finish_reason::stop);
  EXPECT_EQ(client->text, "abc");
  EXPECT_FALSE(client->has_ended());
  make(3, {"c"}, finish_reason::stop);
  EXPECT_TRUE(client->end);
  EXPECT_EQ(client->end->completion_tokens, 3u);
}

TEST_F(reply_test, mends_a_gap_from_its_log) {
  start();
  make(1, {"a"});
  start_worker();
  make(3, {"c"}, finish_reason::none, 1);
  EXPECT_EQ(client->text, "a");
  EXPECT_THAT(records[0]->cancels, SizeIs(1));
  ASSERT_THAT(records[1]->submits, SizeIs(1));
  EXPECT_THAT(records[1]->submits[0].log, ElementsAre(101));
}

TEST_F(reply_test, moves_without_counting_an_attempt) {
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

TEST_F(reply_test, cuts_at_a_stop_string_and_cancels) {
  options.request.stop = {"END"};
  start();
  make(1, {"on", "e E"});
  EXPECT_EQ(client->text, "one ");
  make(3, {"N", "D two", "three"});
  EXPECT_EQ(client->text, "one ");
  ASSERT_TRUE(client->end);
  EXPECT_EQ(client->end->finish, finish_reason::stop);
  EXPECT_EQ(client->end->completion_tokens, 4u); // the last has the stop string
  EXPECT_THAT(records[0]->cancels, SizeIs(1));
}

TEST_F(reply_test, gives_back_what_was_no_stop_string) {
  options.request.stop = {"END"};
  start();
  make(1, {"a E"});
  make(2, {"N"});
  EXPECT_EQ(client->text, "a ");
  make(3, {"V"});
  EXPECT_EQ(client->text, "a ENV");
  make(4, {" EN"}, finish_reason::length);
  EXPECT_EQ(client->text, "a ENV EN");
  EXPECT_EQ(client->end->finish, finish_reason::length);
}

TEST_F(reply_test, holds_back_half_a_character) {
  start();
  make(1, {"\xC3"});
  EXPECT_THAT(client->pieces, IsEmpty());
  make(2, {"\xA4\xE2\x82"});
  EXPECT_THAT(client->pieces, ElementsAre(std::pair{"\xC3\xA4", 2}));
  make(3, {}, finish_reason::stop);
  // What is left unfinished is replaced, not lost.
  EXPECT_EQ(client->text, "\xC3\xA4\xEF\xBF\xBD");
  EXPECT_EQ(client->broken, "");
}

TEST_F(reply_test, fails_with_what_the_worker_says) {
  start();
  make(1, {"a"});
  auto reason = failure{errc::model_failed, "not a number", "", 0};
  caf::anon_send(subject, reply_failed{1, 9, reason}); // not of this worker
  run();
  EXPECT_FALSE(client->has_ended());
  caf::anon_send(subject, reply_failed{1, 1, reason});
  run();
  EXPECT_EQ(client->failed, reason);
}

TEST_F(reply_test, a_client_that_left_cancels_at_the_worker) {
  start();
  make(1, {"a"});
  caf::anon_send(subject, client_left{});
  run();
  ASSERT_THAT(records[0]->cancels, SizeIs(1));
  EXPECT_EQ(records[0]->cancels[0].id, 1u);
  EXPECT_TRUE(client->is_closed);
  EXPECT_FALSE(client->has_ended()); // nobody reads it
}

TEST_F(reply_test, a_server_that_stops_ends_it) {
  start();
  auto reason = failure{errc::shutting_down, "the server is stopping", "", 5};
  caf::anon_send(subject, stop_reply{reason});
  run();
  EXPECT_EQ(client->failed, reason);
  EXPECT_THAT(records[0]->cancels, SizeIs(1));
}

TEST_F(reply_test, ends_at_its_deadline) {
  options.deadline = 3500ms;
  start();
  make(1, {"a"});
  advance(3490ms);
  EXPECT_FALSE(client->has_ended());
  advance(10ms);
  ASSERT_TRUE(client->failed);
  EXPECT_EQ(client->failed->code, errc::deadline_exceeded);
  EXPECT_THAT(client->failed->message, HasSubstr("3500 ms"));
  EXPECT_THAT(records[0]->cancels, SizeIs(1));
}

TEST_F(reply_test, pings_after_silence_only) {
  options.ping_interval = 2s;
  start();
  advance(1500ms);
  make(1, {"a"});
  advance(1990ms);
  EXPECT_EQ(client->pings, 0);
  advance(10ms);
  EXPECT_EQ(client->pings, 1);
  advance(2s);
  EXPECT_EQ(client->pings, 2);
  EXPECT_EQ(client->broken, "");
}

TEST_F(reply_test, does_not_ping_before_it_begins) {
  options.ping_interval = 1s;
  at_door->refusals.assign(1000,
                           caf::make_error(caf::sec::request_receiver_down));
  start();
  advance(5s);
  EXPECT_EQ(client->pings, 0);
  EXPECT_FALSE(client->begun);
}

TEST_F(reply_test, gives_credit_as_the_client_takes) {
  client->reports_progress = true;
  options.credit = 4;
  start();
  EXPECT_EQ(records[0]->submits.at(0).credit, 4u);
  make(1, {"a", "b", "c", "d"});
  EXPECT_THAT(records[0]->credits, IsEmpty());
  caf::anon_send(subject, written{1});
  run();
  EXPECT_THAT(records[0]->credits, IsEmpty()); // too little for a message
  caf::anon_send(subject, written{2});
  run();
  EXPECT_THAT(records[0]->credits, ElementsAre(credit{1, 6}));
  caf::anon_send(subject, written{4});
  run();
  EXPECT_THAT(records[0]->credits, ElementsAre(credit{1, 6}, credit{1, 8}));
}

TEST_F(reply_test, gives_credit_for_tokens_without_text) {
  client->reports_progress = true;
  options.credit = 2;
  start();
  make(1, {"", ""}); // nothing to write, so nothing will be taken
  EXPECT_THAT(records[0]->credits, ElementsAre(credit{1, 4}));
}

TEST_F(reply_test, gives_credit_without_end_to_a_writer_that_keeps_all) {
  options.credit = 2;
  start();
  EXPECT_GT(records[0]->submits.at(0).credit, 1'000'000'000u);
  make(1, {"a", "b", "c", "d"});
  EXPECT_THAT(records[0]->credits, IsEmpty());
}

TEST_F(reply_test, a_resumed_request_keeps_its_credit) {
  client->reports_progress = true;
  options.credit = 4;
  start();
  make(1, {"a", "b"});
  caf::anon_send(subject, written{2});
  start_worker();
  kill(workers[0]);
  EXPECT_EQ(records[1]->submits.at(0).credit, 6u);
}

TEST_F(reply_test, an_exit_message_ends_it_too) {
  start();
  caf::anon_send_exit(subject, caf::exit_reason::user_shutdown);
  run();
  ASSERT_TRUE(client->failed);
  EXPECT_EQ(client->failed->code, errc::shutting_down);
}

TEST_F(reply_test, takes_no_answer_after_its_client_left) {
  at_door->refusals = {caf::make_error(caf::sec::request_receiver_down)};
  start();
  caf::anon_send(subject, client_left{});
  advance(1s);
  EXPECT_TRUE(client->is_closed);
  EXPECT_FALSE(client->begun);
  EXPECT_THAT(records[0]->submits, IsEmpty());
}

} // namespace model_server
