// Clients that leave before their answer is complete free their place.
#include "hostile_fixture.hpp"

#include <fmt/format.h>

#include <chrono>

namespace model_server {
namespace {

using leaving_test = hostile_fixture;

TEST_F(leaving_test, frees_the_place_of_a_client_that_leaves) {
  using leave = void (*)(http_client&);
  const leave ways[] = {
      [](http_client& client) { client.close(); },
      [](http_client& client) { client.reset(); },
      [](http_client& client) { client.shut_sending(); },
  };
  for (auto way : ways)
    for (auto stream : {"false", "true"}) {
      http_client client{port()};
      client.request("POST", "/api/v1/fault/call",
                     chat_body("len=30000 sleep_ms=10",
                               fmt::format(",\"stream\":{}", stream)));
      ASSERT_TRUE(comes_to(port(), "fault", 1, 0));
      auto left = std::chrono::steady_clock::now();
      way(client);
      EXPECT_TRUE(comes_to(port(), "fault", 0, 0));
      EXPECT_LT(std::chrono::steady_clock::now() - left,
                std::chrono::milliseconds{500});
    }
}

TEST_F(leaving_test, frees_the_place_of_a_client_that_waits_in_the_queue) {
  std::vector<http_client> running;
  for (int i = 0; i < 8; ++i) {
    running.emplace_back(port());
    running.back().request("POST", "/api/v1/fault/call",
                           chat_body("len=30000 sleep_ms=10"));
  }
  ASSERT_TRUE(comes_to(port(), "fault", 8, 0));
  http_client waiting{port()};
  waiting.request("POST", "/api/v1/fault/call", chat_body("len=1"));
  ASSERT_TRUE(comes_to(port(), "fault", 8, 1));
  waiting.close();
  EXPECT_TRUE(comes_to(port(), "fault", 8, 0));
  running.clear();
  EXPECT_TRUE(comes_to(port(), "fault", 0, 0));
}

TEST_F(leaving_test, notices_leaving_behind_requests_sent_ahead) {
  http_client client{port()};
  client.request("POST", "/api/v1/fault/call",
                 chat_body("len=30000 sleep_ms=10"));
  ASSERT_TRUE(comes_to(port(), "fault", 1, 0));
  // More than is read ahead, and no more than the kernel holds: a client's
  // leaving can't be seen while its bytes don't fit.
  for (int i = 0; i < 1300; ++i)
    client.request("GET", "/health/live");
  client.close();
  EXPECT_TRUE(comes_to(port(), "fault", 0, 0));
}

} // namespace
} // namespace model_server
