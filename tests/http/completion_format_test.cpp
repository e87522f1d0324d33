// Completions letter by letter, and the order of their streams.
#include "http/completion_format.hpp"

#include "config/version.hpp"
#include "one_choice.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace model_server {
namespace {

using testing::HasSubstr;

const openai_frame frame{"cmpl-1", 5, "m"};

const std::vector<token> tokens{
    {1, "h\xC3\xA9", -0.5f, {{"h\xC3\xA9", -0.5f}, {"a", -1.25f}}},
    {2, "\xE2\x82", -3, {{"\xE2", -0.25f}, {"\xC3", -1}}},
    {3, "\xAC", 0, {}},
    {4, "!", -0.125f, {{"!", -0.125f}}}};

std::string head() {
  return fmt::format(R"({{"id":"cmpl-1","object":"text_completion",)"
                     R"("created":5,"model":"m","system_fingerprint":"fp_{}",)",
                     server_version());
}

constexpr auto usage = R"("usage":{"prompt_tokens":3,"completion_tokens":4,)"
                       R"("total_tokens":7,)"
                       R"("prompt_tokens_details":{"cached_tokens":0},)"
                       R"("completion_tokens_details":{"reasoning_tokens":0}})";

reply_summary summary() {
  return {.finish = finish_reason::stop,
          .seed = 7,
          .device = "cpu",
          .prompt_tokens = 3,
          .completion_tokens = 4,
          .cached_tokens = 0};
}

std::unique_ptr<reply_format> format(std::string repeated, bool with_logprobs,
                                     bool reports_usage) {
  return std::make_unique<completion_format>(
      frame, std::vector<std::string>{std::move(repeated)}, with_logprobs,
      reports_usage);
}

std::string whole(std::string repeated, bool with_logprobs) {
  recorded_answer record;
  auto writer =
      whole_choice(record, format(std::move(repeated), with_logprobs, false));
  writer.begin({});
  writer.text("h\xC3\xA9\xE2\x82\xAC!", 4,
              with_logprobs ? tokens : std::vector<token>{});
  writer.end(summary());
  return record.response.body;
}

std::string event(std::string_view text, std::string_view logprobs,
                  std::string_view finish, std::string_view rest = "") {
  return fmt::format(R"(data: {}"choices":[{{"index":0,"text":"{}",)"
                     R"("logprobs":{},"finish_reason":{}}}]{}}})"
                     "\n\n",
                     head(), text, logprobs, finish, rest);
}

TEST(completion_format_test, writes_a_whole_completion) {
  EXPECT_EQ(whole("", false),
            head()
                + fmt::format("\"choices\":[{{\"index\":0,\"text\":"
                              "\"h\xC3\xA9\xE2\x82\xAC!\",\"logprobs\":null,"
                              "\"finish_reason\":\"stop\"}}],{}}}",
                              usage));
}

TEST(completion_format_test, repeats_the_prompt_if_told_to) {
  EXPECT_THAT(whole("Once ", false), HasSubstr("\"text\":\"Once h\xC3\xA9"));
}

TEST(completion_format_test, writes_logprobs_with_offsets_in_characters) {
  EXPECT_THAT(
      whole("", true),
      HasSubstr("\"logprobs\":{\"tokens\":[\"h\xC3\xA9\",\"\xEF\xBF\xBD\","
                "\"\xEF\xBF\xBD\",\"!\"],"
                "\"token_logprobs\":[-0.5,-3.0,0.0,-0.125],"
                "\"top_logprobs\":[{\"h\xC3\xA9\":-0.5,\"a\":-1.25},"));
  EXPECT_THAT(whole("", true), HasSubstr(R"("text_offset":[0,2,3,3]})"));
}

TEST(completion_format_test, gives_a_key_once_to_tokens_that_look_alike) {
  EXPECT_THAT(whole("", true), HasSubstr("{\"\xEF\xBF\xBD\":-0.25},"
                                         "{\"\xEF\xBF\xBD\":0.0},"
                                         "{\"!\":-0.125}]"));
}

TEST(completion_format_test, streams_prompt_pieces_reason_usage_and_done) {
  recorded_answer record;
  auto writer = streamed_choice(record, format("Once ", false, true));
  writer.begin({});
  writer.text("upon", 1, {});
  writer.end(summary());
  auto null = R"(,"usage":null)";
  EXPECT_EQ(record.body(),
            event("Once ", "null", "null", null)
                + event("upon", "null", "null", null)
                + event("", "null", "\"stop\"", null)
                + fmt::format("data: {}\"choices\":[],{}}}\n\n", head(), usage)
                + "data: [DONE]\n\n");
}

TEST(completion_format_test, counts_offsets_on_through_a_stream) {
  recorded_answer record;
  auto writer = streamed_choice(record, format("", true, false));
  writer.begin({});
  EXPECT_EQ(record.body(), "");
  writer.text("h\xC3\xA9", 1, std::span{tokens}.first(1));
  writer.text("\xE2\x82\xAC!", 4, std::span{tokens}.last(3));
  EXPECT_THAT(record.pieces[0].first, HasSubstr(R"("text_offset":[0]})"));
  EXPECT_THAT(record.pieces[1].first, HasSubstr(R"("text_offset":[2,3,3]})"));
}

} // namespace
} // namespace model_server
