// What a reply owes its client: credit, signs of life, an end.
#include "tests/actors/reply_fixture.hpp"

#include <gmock/gmock.h>

namespace model_server {

namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class reply_client_test : public reply_fixture {};

} // namespace

TEST_F(reply_client_test, a_client_that_left_cancels_at_the_worker) {
  start();
  make(1, {"a"});
  caf::anon_send(subject, client_left{});
  run();
  ASSERT_THAT(records[0]->cancels, SizeIs(1));
  EXPECT_EQ(records[0]->cancels[0].id, 1u);
  EXPECT_TRUE(client->is_closed);
  EXPECT_FALSE(client->has_ended()); // nobody reads it
}

TEST_F(reply_client_test, a_server_that_stops_ends_it) {
  start();
  auto reason = failure{errc::shutting_down, "the server is stopping", "", 5};
  caf::anon_send(subject, stop_reply{reason});
  run();
  EXPECT_EQ(client->failed, reason);
  EXPECT_THAT(records[0]->cancels, SizeIs(1));
}

TEST_F(reply_client_test, ends_at_its_deadline) {
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

TEST_F(reply_client_test, pings_after_silence_only) {
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

TEST_F(reply_client_test, pings_while_it_waits_to_begin) {
  options.ping_interval = 1s;
  at_door->refusals.assign(1000,
                           caf::make_error(caf::sec::request_receiver_down));
  start();
  advance(5s);
  EXPECT_EQ(client->pings, 5);
  EXPECT_FALSE(client->begun);
}

TEST_F(reply_client_test, gives_credit_as_the_client_takes) {
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

TEST_F(reply_client_test, gives_credit_for_tokens_without_text) {
  client->reports_progress = true;
  options.credit = 2;
  start();
  make(1, {"", ""}); // nothing to write, so nothing will be taken
  EXPECT_THAT(records[0]->credits, ElementsAre(credit{1, 4}));
}

TEST_F(reply_client_test, gives_credit_without_end_to_a_writer_that_keeps_all) {
  options.credit = 2;
  start();
  EXPECT_GT(records[0]->submits.at(0).credit, 1'000'000'000u);
  make(1, {"a", "b", "c", "d"});
  EXPECT_THAT(records[0]->credits, IsEmpty());
}

TEST_F(reply_client_test, an_exit_message_ends_it_too) {
  start();
  caf::anon_send_exit(subject, caf::exit_reason::user_shutdown);
  run();
  ASSERT_TRUE(client->failed);
  EXPECT_EQ(client->failed->code, errc::shutting_down);
}

} // namespace model_server
