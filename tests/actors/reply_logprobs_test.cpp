// Logprobs reach the client with the text they belong to, never before.
#include "tests/actors/reply_fixture.hpp"

#include <gmock/gmock.h>

namespace model_server {

namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class reply_logprobs_test : public reply_fixture {
protected:
  reply_logprobs_test() {
    options.request.sampling.top_logprobs = 0;
  }

  /// The texts of the tokens that the client has.
  std::vector<std::string> tokens() const {
    std::vector<std::string> result;
    for (const auto& each : client->tokens)
      result.push_back(each.text);
    return result;
  }
};

} // namespace

TEST_F(reply_logprobs_test, come_with_their_text) {
  start();
  make(1, {"a", "b"});
  EXPECT_THAT(tokens(), ElementsAre("a", "b"));
  make(3, {"c"}, finish_reason::stop);
  EXPECT_THAT(tokens(), ElementsAre("a", "b", "c"));
  EXPECT_EQ(client->broken, "");
}

TEST_F(reply_logprobs_test, are_not_passed_on_unless_asked_for) {
  options.request.sampling.top_logprobs.reset();
  start();
  make(1, {"a", "b"}, finish_reason::stop);
  EXPECT_THAT(tokens(), IsEmpty());
}

TEST_F(reply_logprobs_test, wait_with_half_a_character) {
  start();
  make(1, {"a", "\xF0\x9F", "\x98"});
  EXPECT_THAT(tokens(), ElementsAre("a"));
  make(4, {"\x80"
           "b\xC3"});
  EXPECT_EQ(client->text, "a\xF0\x9F\x98\x80"
                          "b");
  EXPECT_THAT(tokens(), ElementsAre("a", "\xF0\x9F", "\x98"));
  make(5, {}, finish_reason::length);
  EXPECT_THAT(tokens(), ElementsAre("a", "\xF0\x9F", "\x98",
                                    "\x80"
                                    "b\xC3"));
  EXPECT_EQ(client->broken, "");
}

TEST_F(reply_logprobs_test, wait_with_what_may_be_a_stop_string) {
  options.request.stop = {"END"};
  start();
  make(1, {"one", " E", "N"});
  EXPECT_EQ(client->text, "one ");
  EXPECT_THAT(tokens(), ElementsAre("one"));
  make(4, {"V"});
  EXPECT_EQ(client->text, "one ENV");
  EXPECT_THAT(tokens(), ElementsAre("one", " E", "N", "V"));
}

TEST_F(reply_logprobs_test, never_come_for_what_a_stop_string_cuts) {
  options.request.stop = {"END"};
  start();
  make(1, {"one", " E"});
  make(3, {"N", "D two", "three"});
  EXPECT_EQ(client->text, "one ");
  EXPECT_THAT(tokens(), ElementsAre("one"));
}

TEST_F(reply_logprobs_test, come_for_tokens_without_text) {
  start();
  make(1, {"", "a", ""}, finish_reason::stop);
  EXPECT_THAT(tokens(), ElementsAre("", "a", ""));
  EXPECT_EQ(client->broken, "");
}

TEST_F(reply_logprobs_test, survive_the_worker_that_made_them) {
  options.request.stop = {"END"};
  start();
  make(1, {"a", "E"});
  start_worker();
  kill(workers[0]);
  EXPECT_THAT(tokens(), ElementsAre("a"));
  EXPECT_THAT(records[1]->submits.at(0).log, ElementsAre(101, 102));
  make(3, {"F"}, finish_reason::stop, 2);
  EXPECT_THAT(tokens(), ElementsAre("a", "E", "F"));
}

TEST_F(reply_logprobs_test, stop_strings_do_not_count_before_min_tokens) {
  options.request.stop = {"ab"};
  options.request.sampling.min_tokens = 2;
  start();
  make(1, {"a", "b"}); // ends with the second token: passed over
  make(3, {"a", "b", "c"});
  EXPECT_EQ(client->text, "ab");
  ASSERT_TRUE(client->end);
  EXPECT_EQ(client->end->completion_tokens, 4u);
}

TEST_F(reply_logprobs_test, a_stop_string_may_begin_within_min_tokens) {
  options.request.stop = {"ab"};
  options.request.sampling.min_tokens = 1;
  start();
  make(1, {"xa", "b", "c"});
  EXPECT_EQ(client->text, "x");
  EXPECT_TRUE(client->end);
}

} // namespace model_server
