// From tokens to the text that a client gets.
#include "tests/actors/reply_fixture.hpp"

#include <gmock/gmock.h>

namespace model_server {

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class reply_text_test : public reply_fixture {};

} // namespace

TEST_F(reply_text_test, passes_text_on_and_ends_once) {
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

TEST_F(reply_text_test, drops_tokens_of_an_old_incarnation) {
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

TEST_F(reply_text_test, drops_tokens_it_has_while_it_has_no_worker) {
  start();
  at_door->refusals = {to_error(loading())};
  kill(workers[0]);
  make(1, {"X"}, finish_reason::stop, 1);
  EXPECT_EQ(client->text, "");
  EXPECT_FALSE(client->has_ended());
}

TEST_F(reply_text_test, drops_numbers_that_it_knows) {
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

TEST_F(reply_text_test, mends_a_gap_from_its_log) {
  start();
  make(1, {"a"});
  start_worker();
  make(3, {"c"}, finish_reason::none, 1);
  EXPECT_EQ(client->text, "a");
  EXPECT_THAT(records[0]->cancels, SizeIs(1));
  ASSERT_THAT(records[1]->submits, SizeIs(1));
  EXPECT_THAT(records[1]->submits[0].log, ElementsAre(101));
}

TEST_F(reply_text_test, cuts_at_a_stop_string_and_cancels) {
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

TEST_F(reply_text_test, gives_back_what_was_no_stop_string) {
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

TEST_F(reply_text_test, holds_back_half_a_character) {
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

TEST_F(reply_text_test, fails_with_what_the_worker_says) {
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

} // namespace model_server
