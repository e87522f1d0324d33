// Conversations as requests.
#include "http/client/conversation.hpp"

#include "tests/config/config_error_of.hpp"

#include <gmock/gmock.h>

namespace model_server {
namespace {

using testing::config_error_of;
using ::testing::HasSubstr;

TEST(conversation_test, tells_all_that_was_said) {
  conversation talk;
  talk.set_system("Be brief.");
  talk.say("a \"quoted\"\nword");
  talk.hear("b");
  talk.say("c");
  EXPECT_EQ(talk.body(),
            R"({"messages":[{"role":"system","content":"Be brief."},)"
            R"({"role":"user","content":"a \"quoted\"\nword"},)"
            R"({"role":"agent","content":"b"},)"
            R"({"role":"user","content":"c"}],"stream":true})");
}

TEST(conversation_test, forgets_what_it_is_told_to_forget) {
  conversation talk;
  talk.set_system("S");
  talk.say("a");
  talk.hear("b");
  talk.say("failed");
  talk.take_back();
  EXPECT_THAT(talk.body(), HasSubstr(R"("b"}])"));
  talk.begin_anew();
  EXPECT_EQ(talk.body(),
            R"({"messages":[{"role":"system","content":"S"}],"stream":true})");
  talk.set_system("");
  EXPECT_EQ(talk.body(), R"({"messages":[],"stream":true})");
}

TEST(conversation_test, takes_fields_as_json_and_else_as_text) {
  conversation talk;
  talk.set_field("temperature", "0.2");
  talk.set_field("stop", R"(["a", "b"])");
  talk.set_field("reasoning_effort", "high");
  talk.set_field("ignore_eos", "true");
  EXPECT_EQ(talk.body(), R"({"messages":[],"ignore_eos":true,)"
                         R"("reasoning_effort":"high","stop":["a","b"],)"
                         R"("temperature":0.2,"stream":true})");
  EXPECT_TRUE(talk.unset_field("stop"));
  EXPECT_FALSE(talk.unset_field("stop"));
  EXPECT_THAT(talk.body(), ::testing::Not(HasSubstr("stop")));
}

TEST(conversation_test, keeps_its_own_fields) {
  conversation talk;
  for (auto name : {"messages", "stream", "n"})
    EXPECT_EQ(config_error_of([&] { talk.set_field(name, "1"); }),
              std::string{name} + " cannot be set in a chat");
  EXPECT_THAT(config_error_of([&] { talk.set_field("", "1"); }),
              HasSubstr("no field"));
}

TEST(conversation_test, writes_utf8_whatever_was_typed) {
  conversation talk;
  talk.say("\xFFok");
  EXPECT_THAT(talk.body(), HasSubstr("\xEF\xBF\xBDok"));
}

} // namespace
} // namespace model_server
