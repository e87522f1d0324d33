// OpenAI's answers letter by letter, and the order of a stream.
#include "http/openai_format.hpp"

#include "config/version.hpp"
#include "one_choice.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace model_server {
namespace {

using testing::HasSubstr;
using testing::Not;

const openai_frame frame{"chatcmpl-1", 1'700'000'000, "org/m"};

std::string head(std::string_view object) {
  return fmt::format(R"({{"id":"chatcmpl-1","object":"{}",)"
                     R"("created":1700000000,"model":"org/m",)"
                     R"("system_fingerprint":"fp_{}",)",
                     object, server_version());
}

std::string chunk(std::string_view rest) {
  return fmt::format("data: {}{}\n\n", head("chat.completion.chunk"), rest);
}

constexpr auto usage = R"("usage":{"prompt_tokens":3,"completion_tokens":4,)"
                       R"("total_tokens":7,)"
                       R"("prompt_tokens_details":{"cached_tokens":1},)"
                       R"("completion_tokens_details":{"reasoning_tokens":0}})";

reply_summary summary() {
  return {.finish = finish_reason::length,
          .seed = 7,
          .device = "cpu",
          .prompt_tokens = 3,
          .completion_tokens = 4,
          .cached_tokens = 1};
}

std::string stream(bool with_logprobs, bool reports_usage,
                   std::span<const token> tokens = {}) {
  recorded_answer record;
  auto writer = streamed_choice(
      record,
      std::make_unique<chat_format>(frame, with_logprobs, reports_usage));
  writer.begin({});
  writer.text("he", 1, tokens);
  writer.text("llo", 3, {});
  writer.end(summary());
  return record.body();
}

TEST(openai_format_test, streams_role_pieces_reason_and_done) {
  EXPECT_EQ(stream(false, false),
            chunk(R"("choices":[{"index":0,"delta":{"role":"assistant",)"
                  R"("content":""},"logprobs":null,"finish_reason":null}]})")
                + chunk(R"("choices":[{"index":0,"delta":{"content":"he"},)"
                        R"("logprobs":null,"finish_reason":null}]})")
                + chunk(R"("choices":[{"index":0,"delta":{"content":"llo"},)"
                        R"("logprobs":null,"finish_reason":null}]})")
                + chunk(R"("choices":[{"index":0,"delta":{},"logprobs":null,)"
                        R"("finish_reason":"length"}]})")
                + "data: [DONE]\n\n");
}

TEST(openai_format_test, ends_with_usage_if_asked_and_null_before) {
  EXPECT_EQ(
      stream(false, true),
      chunk(R"("choices":[{"index":0,"delta":{"role":"assistant",)"
            R"("content":""},"logprobs":null,"finish_reason":null}],)"
            R"("usage":null})")
          + chunk(R"("choices":[{"index":0,"delta":{"content":"he"},)"
                  R"("logprobs":null,"finish_reason":null}],"usage":null})")
          + chunk(R"("choices":[{"index":0,"delta":{"content":"llo"},)"
                  R"("logprobs":null,"finish_reason":null}],"usage":null})")
          + chunk(R"("choices":[{"index":0,"delta":{},"logprobs":null,)"
                  R"("finish_reason":"length"}],"usage":null})")
          + chunk(fmt::format(R"("choices":[],{}}})", usage))
          + "data: [DONE]\n\n");
}

TEST(openai_format_test, puts_logprobs_on_the_chunk_of_their_text) {
  std::vector<token> tokens{{1, "he", -0.5f, {{"he", -0.5f}, {"\xC3", -2}}}};
  EXPECT_THAT(stream(true, false, tokens),
              HasSubstr(R"("delta":{"content":"he"},"logprobs":{"content":[{)"
                        R"("token":"he","logprob":-0.5,"bytes":[104,101],)"
                        R"("top_logprobs":[{"token":"he","logprob":-0.5,)"
                        "\"bytes\":[104,101]},{\"token\":\"\xEF\xBF\xBD\","
                        R"("logprob":-2.0,"bytes":[195]}]}],"refusal":null},)"
                        R"("finish_reason":null)"));
}

TEST(openai_format_test, no_chunk_has_the_key_error) {
  for (auto reports_usage : {false, true})
    EXPECT_THAT(stream(true, reports_usage), Not(HasSubstr("error")));
}

TEST(openai_format_test, an_error_in_mid_stream_is_an_object_without_done) {
  recorded_answer record;
  auto writer = streamed_choice(
      record, std::make_unique<chat_format>(frame, false, true));
  writer.begin({});
  writer.text("he", 1, {});
  writer.fail({errc::model_failed, "NaN", "", 0});
  EXPECT_EQ(record.last_piece,
            "data: {\"error\":{\"message\":\"NaN\",\"type\":\"server_error\","
            "\"param\":null,\"code\":\"model_failed\"}}\n\n");
  EXPECT_THAT(record.body(), Not(HasSubstr("[DONE]")));
}

TEST(openai_format_test, names_the_role_after_a_ping_and_only_once) {
  recorded_answer record;
  auto writer = streamed_choice(
      record, std::make_unique<chat_format>(frame, false, false));
  writer.ping();
  writer.begin({});
  writer.ping();
  writer.end(summary());
  auto body = record.body();
  EXPECT_THAT(body, testing::StartsWith(": ping\n\ndata: {"));
  auto first = body.find("\"role\"");
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(body.find("\"role\"", first + 1), std::string::npos);
}

std::string whole(bool with_logprobs, std::span<const token> tokens = {}) {
  recorded_answer record;
  auto writer = whole_choice(
      record, std::make_unique<chat_format>(frame, with_logprobs, false));
  writer.begin({});
  writer.text("hi \"", 1, tokens);
  writer.text("you\"", 4, {});
  writer.end(summary());
  EXPECT_EQ(record.response.content_type, "application/json");
  return record.response.body;
}

TEST(openai_format_test, writes_a_whole_chat_completion) {
  EXPECT_EQ(whole(false),
            head("chat.completion")
                + fmt::format(R"("choices":[{{"index":0,"message":{{)"
                              R"("role":"assistant","content":"hi \"you\"",)"
                              R"("refusal":null}},"logprobs":null,)"
                              R"("finish_reason":"length"}}],{}}})",
                              usage));
}

TEST(openai_format_test, writes_logprobs_of_a_whole_chat_if_asked) {
  EXPECT_THAT(whole(true),
              HasSubstr(R"("logprobs":{"content":[],"refusal":null})"));
  std::vector<token> tokens{{1, "hi", least_logprob, {}}};
  EXPECT_THAT(whole(true, tokens),
              HasSubstr(R"("logprobs":{"content":[{"token":"hi",)"
                        R"("logprob":-9999.0,"bytes":[104,105],)"
                        R"("top_logprobs":[]}],"refusal":null})"));
}

TEST(openai_format_test, lists_models_whatever_their_state) {
  server_status status;
  EXPECT_EQ(models_json(status, 5), R"({"object":"list","data":[]})");
  status.models.resize(2);
  status.models[0].name = "a";
  status.models[0].entry = "echo";
  status.models[0].loads_on_demand = true;
  status.models[1].name = "org/b";
  status.models[1].entry = "embedding";
  status.models[1].state = model_state::ready;
  auto a = R"({"id":"a","object":"model","created":5,)"
           R"("owned_by":"model-server","entry":"echo",)"
           R"("state":"inactive","load":"on_demand"})";
  EXPECT_EQ(models_json(status, 5),
            fmt::format(R"({{"object":"list","data":[{},{}]}})", a,
                        R"({"id":"org/b","object":"model","created":5,)"
                        R"("owned_by":"model-server","entry":"embedding",)"
                        R"("state":"ready","load":"manual"})"));
  EXPECT_EQ(model_json(status.models[0], 5), a);
}

} // namespace
} // namespace model_server
