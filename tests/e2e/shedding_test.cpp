// The real program when there is too much to do, or too little memory.
#include "support/chats.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace model_server {
namespace {

using testing::HasSubstr;

constexpr auto models = R"({
  "one": {"name": "fault", "params": {"enable": true}, "batch_size": 1}
})";

client_response ask(const server_process& server, std::string_view fields) {
  return fetch(server.port(), "POST", "/api/v1/one/call",
               chat_body("len=1", fields));
}

void expect_refusal(const client_response& response, std::string_view code) {
  EXPECT_EQ(response.status, 503) << response.body;
  EXPECT_EQ(json_value(response.body, "code"), code) << response.body;
  EXPECT_GE(std::stoi(response.header("retry-after")), 1);
}

TEST(shedding_test, ends_what_waits_too_long) {
  server_process server{models, {"one"}, {"--queue-timeout", "100ms"}};
  http_client first{server.port()};
  first.request("POST", "/api/v1/one/call",
                chat_body("len=1000 sleep_ms=20", ",\"stream\":true"));
  ASSERT_TRUE(comes_to(server.port(), "one", 1, 0));
  expect_refusal(ask(server, ""), "queue_timeout");
  http_client streaming{server.port()};
  streaming.request("POST", "/api/v1/one/call",
                    chat_body("len=1", ",\"stream\":true"));
  EXPECT_EQ(streaming.receive_head().status, 200); // it may wait for a while
  auto reply = read_stream(streaming);
  EXPECT_EQ(json_value(reply.data.back(), "code"), "queue_timeout");
  EXPECT_FALSE(reply.is_done);
  EXPECT_TRUE(reply.has_ended_well);
}

TEST(shedding_test, lets_all_replies_to_a_prompt_have_their_turn) {
  server_process server{
      models,
      {"one"},
      {"--queue-timeout", "100ms", "--max-queued-tokens", "1"}};
  auto whole = fetch(server.port(), "POST", "/api/v1/one/call",
                     chat_body("len=15 sleep_ms=10", ",\"n\":3"));
  EXPECT_EQ(whole.status, 200) << whole.body;
}

TEST(shedding_test, takes_nothing_new_without_memory) {
  server_process server{
      models, {"one"}, {"--memory-reserve-bytes", "1125899906842624"}};
  expect_refusal(ask(server, ""), "low_memory");
  auto health = fetch(server.port(), "GET", "/health/live");
  EXPECT_EQ(health.status, 200);
  EXPECT_EQ(health.header("connection"), "close");
  EXPECT_THAT(fetch(server.port(), "GET", "/metrics").body,
              HasSubstr("model_server_memory_levels_total{level=\"cancel_"
                        "waiting\"} 1"));
}

} // namespace
} // namespace model_server
