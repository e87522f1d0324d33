// What reaches the log of the program.
#include "support/chats.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

namespace model_server {
namespace {

using testing::HasSubstr;
using testing::Not;

/// The log of a server that was asked for one reply, with the request's id.
std::string log_of_a_chat(const std::vector<std::string>& options,
                          std::string_view fields,
                          std::string_view headers = {}) {
  server_process server{
      R"({"echo": {"name": "echo", "params": {"prefix": "so: "}}})",
      {"echo"},
      options};
  auto response = fetch(server.port(), "POST", "/api/v1/echo/call",
                        chat_body("xyzzy", fields),
                        "X-Request-Id: id-1\r\n" + std::string{headers});
  EXPECT_EQ(response.status, 200);
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 0);
  return server.log();
}

TEST(log_test, keeps_to_itself_what_is_said) {
  auto log = log_of_a_chat({"--log-level", "debug"}, "");
  EXPECT_THAT(log, HasSubstr("request_done request_id=id-1"));
  EXPECT_THAT(log, Not(HasSubstr("xyzzy")));
}

TEST(log_test, tells_what_is_said_when_asked_to) {
  for (auto fields : {"", ",\"stream\":true"}) {
    auto log = log_of_a_chat({"--log-contents"}, fields);
    EXPECT_THAT(log, HasSubstr("request_contents request_id=id-1 prompt=xyzzy "
                               "reply=\"so: xyzzy\""));
  }
}

TEST(log_test, names_the_trace_that_a_request_is_part_of) {
  auto log = log_of_a_chat({"--log-contents"}, "",
                           "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-"
                           "00f067aa0ba902b7-01\r\n");
  for (auto event : {"request_done", "request_contents"})
    EXPECT_THAT(log, HasSubstr(std::string{event}
                               + " request_id=id-1 "
                                 "trace_id=4bf92f3577b34da6a3ce929d0e0e4736 "
                                 "span_id=00f067aa0ba902b7"));
}

TEST(log_test, passes_over_a_trace_that_is_malformed) {
  auto log = log_of_a_chat({}, "", "traceparent: 00-4BF9-00f0-01\r\n");
  EXPECT_THAT(log, HasSubstr("request_done request_id=id-1 key=- model=echo"));
}

} // namespace
} // namespace model_server
