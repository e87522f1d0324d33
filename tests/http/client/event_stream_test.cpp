// Events from pieces of any size, and what they say.
#include "http/client/event_stream.hpp"

#include "http/client/reply_event.hpp"
#include "tests/models/temporary_folder.hpp"

#include <gmock/gmock.h>

namespace model_server {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

std::vector<std::string> seen_in(std::string_view stream, std::size_t piece) {
  event_reader reader;
  std::vector<std::string> result;
  for (std::size_t at = 0; at < stream.size(); at += piece)
    for (const auto& event : reader.feed(stream.substr(at, piece)))
      result.push_back(event.id + "|" + event.data);
  return result;
}

TEST(event_stream_test, gives_the_same_events_whatever_the_pieces) {
  constexpr std::string_view stream = ": ping\n\n"
                                      "id: 1\ndata: {\"a\":1}\n\n"
                                      "data:two\r\ndata: lines\r\n\r\n"
                                      "event: x\rid: 7\rdata: old\r\r"
                                      "id: 8\n\n"
                                      "data: [DONE]\n\n"
                                      "data: never ended\n";
  std::vector<std::string> expected{"1|{\"a\":1}", "1|two\nlines", "7|old",
                                    "8|[DONE]"};
  for (std::size_t piece = 1; piece <= stream.size(); ++piece)
    EXPECT_EQ(seen_in(stream, piece), expected) << "pieces of " << piece;
}

TEST(event_stream_test, refuses_an_event_without_an_end) {
  event_reader reader;
  std::string much(event_reader::max_event_bytes / 2, 'x');
  reader.feed("data: " + much + "\n");
  EXPECT_THAT(error_of([&] { reader.feed("data: " + much); }),
              HasSubstr("16777216 bytes"));
}

TEST(reply_event_test, reads_text_number_and_end) {
  auto first = read_reply_event(
      {"3", R"({"id":"call-1","delta":{"role":"agent","content":"hi"},)"
            R"("finish_reason":null})"});
  EXPECT_EQ(first.text, "hi");
  EXPECT_EQ(first.tokens, 3U);
  EXPECT_EQ(first.finish_reason, "");
  auto last = read_reply_event(
      {"9", R"({"delta":{},"finish_reason":"length","seed":4,"usage":)"
            R"({"prompt_tokens":5,"completion_tokens":9,"cached_tokens":2}})"});
  EXPECT_EQ(last.text, "");
  EXPECT_EQ(last.finish_reason, "length");
  ASSERT_TRUE(last.usage);
  EXPECT_EQ(last.usage->prompt_tokens, 5U);
  EXPECT_EQ(last.usage->completion_tokens, 9U);
  EXPECT_EQ(last.usage->cached_tokens, 2U);
  EXPECT_TRUE(read_reply_event({"", "[DONE]"}).is_done);
}

TEST(reply_event_test, reads_an_error_in_the_middle) {
  auto event = read_reply_event(
      {"", R"({"error":{"message":"it broke","type":"server_error",)"
           R"("param":null,"code":"model_failed"}})"});
  EXPECT_EQ(event.error, "it broke");
  EXPECT_EQ(event.error_code, "model_failed");
}

TEST(reply_event_test, refuses_what_is_no_event_of_ours) {
  for (auto data :
       {"", "{", "[1]", R"({"delta":{"content":7}})", R"({"usage":"many"})"})
    EXPECT_NE(error_of([&] { read_reply_event({"", data}); }), "") << data;
}

TEST(reply_event_test, takes_any_body_for_an_error) {
  auto error = read_server_error(
      R"({"error":{"message":"no","type":"t","param":null,"code":"c"}})");
  EXPECT_EQ(error.message, "no");
  EXPECT_EQ(error.code, "c");
  EXPECT_EQ(read_server_error("<html>502</html>").message, "");
  EXPECT_EQ(read_server_error(R"({"error":"text"})").message, "");
}

} // namespace
} // namespace model_server
