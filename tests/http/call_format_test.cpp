// Replies below /api/v1, letter by letter as the contract has them.
#include "http/call_format.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace model_server {
namespace {

using testing::HasSubstr;
using testing::Not;

reply_summary summary(std::uint64_t seed = 1234) {
  return {.finish = finish_reason::stop,
          .seed = seed,
          .device = "cpu",
          .prompt_tokens = 12,
          .completion_tokens = 34,
          .cached_tokens = 0};
}

const usage_counts usage{12, 34, 0};

call_format one(bool with_logprobs = false) {
  return {"c", "m", with_logprobs, 1};
}

TEST(call_format_test, writes_the_reply_of_the_contract) {
  std::vector<written_choice> choices{{"hi \"you\"", {}, summary()}};
  EXPECT_EQ(
      (call_format{"call-7f3a", "tiny-chat", false, 1}.whole(choices, usage)),
      R"({"id":"call-7f3a","model":"tiny-chat","message":{"role":"agent",)"
      R"("content":"hi \"you\""},"finish_reason":"stop","seed":1234,)"
      R"("device":"cpu","usage":{"prompt_tokens":12,"completion_tokens":34,)"
      R"("cached_tokens":0}})");
}

TEST(call_format_test, writes_the_role_on_the_first_event_only) {
  auto format = one();
  EXPECT_EQ(format.opening(0), "");
  EXPECT_EQ(format.piece(0, "x", 1, {}),
            "id: 1\ndata: "
            R"({"id":"c","delta":{"role":"agent","content":"x"},)"
            R"("finish_reason":null})"
            "\n\n");
  EXPECT_EQ(format.piece(0, "y", 3, {}),
            "id: 3\ndata: "
            R"({"id":"c","delta":{"content":"y"},"finish_reason":null})"
            "\n\n");
  EXPECT_NE(one()
                .ending(0, summary())
                .find(R"({"id":"c","delta":{"role":"agent","content":""},)"),
            std::string::npos);
}

TEST(call_format_test, tells_the_device_at_first_and_after_a_move) {
  call_format format{"c", "m", false, 2};
  format.place(0, "cpu");
  format.place(1, "cuda:0");
  auto piece = [&](std::size_t choice) {
    return format.piece(choice, "x", 1, {});
  };
  EXPECT_THAT(piece(0), HasSubstr(R"("finish_reason":null,"device":"cpu"})"));
  EXPECT_THAT(piece(1), HasSubstr(R"("device":"cuda:0"})"));
  EXPECT_THAT(piece(0), Not(HasSubstr("device")));
  format.place(0, "cpu"); // restarted
  EXPECT_THAT(piece(0), Not(HasSubstr("device")));
  format.place(0, "node-b/cpu");
  EXPECT_THAT(piece(0), HasSubstr(R"("device":"node-b/cpu"})"));
  EXPECT_THAT(piece(1), Not(HasSubstr("device")));
}

TEST(call_format_test, writes_logprobs_as_openai_clients_read_them) {
  std::vector<token> tokens{{7, "a", -0.3f, {{"a", -0.3f}, {"b", -1.25f}}},
                            {8, "\xF0\x9F", least_logprob, {}}};
  auto format = one();
  format.piece(0, "-", 1, {});
  EXPECT_EQ(format.piece(0, "a", 2, tokens),
            "id: 2\ndata: "
            R"({"id":"c","delta":{"content":"a"},"logprobs":{"content":[)"
            R"({"token":"a","logprob":-0.3,"bytes":[97],"top_logprobs":[)"
            R"({"token":"a","logprob":-0.3,"bytes":[97]},)"
            R"({"token":"b","logprob":-1.25,"bytes":[98]}]},)"
            "{\"token\":\"\xEF\xBF\xBD\",\"logprob\":-9999.0,"
            R"("bytes":[240,159],"top_logprobs":[]}]},"finish_reason":null})"
            "\n\n");
  std::vector<written_choice> choices{{"", {}, summary()}};
  EXPECT_NE(one(true)
                .whole(choices, usage)
                .find(R"(},"logprobs":{"content":[]},"finish_reason")"),
            std::string::npos);
}

TEST(call_format_test, ends_a_stream_with_usage_and_seed) {
  auto format = one();
  format.piece(0, "x", 1, {});
  EXPECT_EQ(format.ending(0, summary()),
            "id: 34\ndata: "
            R"({"id":"c","delta":{},"finish_reason":"stop","usage":)"
            R"({"prompt_tokens":12,"completion_tokens":34,"cached_tokens":0},)"
            R"("seed":1234,"device":"cpu"})"
            "\n\n");
  EXPECT_EQ(format.closing(usage), "");
}

TEST(call_format_test, lists_several_choices) {
  std::vector<written_choice> choices{{"a", {}, summary(5)},
                                      {"b", {}, summary(6)}};
  EXPECT_EQ((call_format{"c", "m", false, 2}.whole(choices, {12, 68, 1})),
            R"({"id":"c","model":"m","choices":[)"
            R"({"index":0,"message":{"role":"agent","content":"a"},)"
            R"("finish_reason":"stop","seed":5,"device":"cpu"},)"
            R"({"index":1,"message":{"role":"agent","content":"b"},)"
            R"("finish_reason":"stop","seed":6,"device":"cpu"}],)"
            R"("usage":{"prompt_tokens":12,"completion_tokens":68,)"
            R"("cached_tokens":1}})");
}

TEST(call_format_test, names_the_choice_of_every_event_if_there_are_several) {
  call_format format{"c", "m", false, 2};
  EXPECT_EQ(format.piece(1, "x", 2, {}),
            "id: 1:2\ndata: "
            R"({"id":"c","index":1,"delta":{"role":"agent","content":"x"},)"
            R"("finish_reason":null})"
            "\n\n");
  EXPECT_EQ(format.ending(1, summary(6)),
            "id: 1:34\ndata: "
            R"({"id":"c","index":1,"delta":{},"finish_reason":"stop",)"
            R"("seed":6,"device":"cpu"})"
            "\n\n");
  EXPECT_EQ(format.closing({12, 68, 1}),
            R"(data: {"id":"c","usage":{"prompt_tokens":12,)"
            R"("completion_tokens":68,"cached_tokens":1}})"
            "\n\n");
}

} // namespace
} // namespace model_server
