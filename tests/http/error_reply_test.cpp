// Failures as clients see them.
#include "http/error_reply.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace model_server {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Pair;

error_reply of(errc code, failed_at where = failed_at::call) {
  return to_error_reply({code, "text", "", 0}, where);
}

TEST(error_reply_test, has_all_four_keys_always) {
  EXPECT_EQ(error_body({.status = 400,
                        .code = "bad_role",
                        .message = "no \"x\"",
                        .param = "messages[0].role"}),
            R"({"error":{"message":"no \"x\"","type":"invalid_request_error",)"
            R"("param":"messages[0].role","code":"bad_role"}})");
  EXPECT_EQ(error_body({.status = 500, .code = "c", .message = "m"}),
            R"({"error":{"message":"m","type":"server_error","param":null,)"
            R"("code":"c"}})");
}

TEST(error_reply_test, gives_every_failure_the_status_of_the_contract) {
  EXPECT_EQ(of(errc::model_not_found).status, 404u);
  EXPECT_EQ(of(errc::no_such_device).status, 400u);
  EXPECT_EQ(of(errc::device_in_use).status, 409u);
  EXPECT_EQ(of(errc::load_failed).status, 500u);
  EXPECT_EQ(of(errc::model_loading).status, 503u);
  EXPECT_EQ(of(errc::queue_full).status, 429u);
  EXPECT_EQ(of(errc::queue_timeout).status, 503u);
  EXPECT_EQ(of(errc::low_memory).status, 503u);
  EXPECT_EQ(of(errc::context_length_exceeded).status, 400u);
  EXPECT_EQ(of(errc::bad_chat).status, 400u);
  EXPECT_EQ(of(errc::out_of_range).status, 400u);
  EXPECT_EQ(of(errc::unsupported_field).status, 400u);
  EXPECT_EQ(of(errc::model_failed).status, 500u);
  EXPECT_EQ(of(errc::worker_lost).status, 500u);
  EXPECT_EQ(of(errc::shutting_down).status, 503u);
  EXPECT_EQ(of(errc::deadline_exceeded).status, 504u);
  EXPECT_EQ(of(errc::internal_error).status, 500u);
}

TEST(error_reply_test, a_model_without_an_entity_is_away_or_a_conflict) {
  EXPECT_EQ(of(errc::model_not_active, failed_at::call).status, 503u);
  EXPECT_EQ(of(errc::model_not_active, failed_at::administration).status, 409u);
}

TEST(error_reply_test, promises_a_retry_after_with_429_and_503) {
  EXPECT_THAT(to_response(of(errc::queue_full)).headers,
              Contains(Pair("retry-after", "1")));
  EXPECT_THAT(to_response(of(errc::model_loading)).headers,
              Contains(Pair("retry-after", "1")));
  auto computed = to_error_reply({errc::queue_full, "full", "", 7});
  EXPECT_THAT(to_response(computed).headers,
              Contains(Pair("retry-after", "7")));
  EXPECT_TRUE(to_response(of(errc::model_failed)).headers.empty());
}

TEST(error_reply_test, asks_not_to_repeat_what_kills_workers) {
  EXPECT_THAT(to_response(of(errc::worker_lost)).headers,
              Contains(Pair("x-should-retry", "false")));
}

TEST(error_reply_test, writes_a_complete_response_that_closes) {
  auto text = raw_response(
      {.status = 413, .code = "request_too_large", .message = "m"}, "id-1");
  EXPECT_THAT(text, testing::StartsWith("HTTP/1.1 413 Content Too Large\r\n"));
  EXPECT_THAT(text, HasSubstr("connection: close\r\n"));
  EXPECT_THAT(text, HasSubstr("x-request-id: id-1\r\n"));
  auto body = text.substr(text.find("\r\n\r\n") + 4);
  EXPECT_THAT(text, HasSubstr("content-length: " + std::to_string(body.size())
                              + "\r\n"));
}

} // namespace
} // namespace model_server
