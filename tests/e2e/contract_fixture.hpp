// One server for the tests of the contract; they leave it as they found it.
#pragma once

#include "support/chats.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace model_server {

inline constexpr auto contract_models = R"({
  "echo": {"name": "echo"},
  "org/echo": {"name": "echo"},
  "short": {"name": "echo", "params": {"context_length": 16}},
  "fault": {"name": "fault", "params": {"enable": true}},
  "one": {"name": "fault", "params": {"enable": true}, "batch_size": 1},
  "idle": {"name": "echo"},
  "other": {"name": "echo"},
  "loading": {"name": "fault", "params": {"enable": true, "load_sleep_ms": 1500}},
  "broken": {"name": "fault", "params": {"enable": true, "load_throw": "no such weights"}}
})";

/// Starts the server with the first test and ends it with the last.
class contract_fixture : public testing::Test {
protected:
  static void SetUpTestSuite() {
    server_ = std::make_unique<server_process>(
        contract_models,
        std::vector<std::string>{"echo", "org/echo", "short", "fault", "one"},
        std::vector<std::string>{"--max-queued", "2", "--virtual-devices", "2",
                                 "--read-timeout", "500ms", "--restart-pause",
                                 "10ms", "--max-attempts", "2"});
  }

  static void TearDownTestSuite() {
    server_.reset();
  }

  static std::uint16_t port() {
    return server_->port();
  }

  static client_response post(std::string_view target, std::string_view body,
                              std::string_view fields = {}) {
    return fetch(port(), "POST", target, body, fields);
  }

  static void expect_error(const client_response& response, int status,
                           std::string_view code, std::string_view param = {}) {
    EXPECT_EQ(response.status, status) << response.body;
    EXPECT_TRUE(response.is_complete);
    EXPECT_EQ(json_value(response.body, "code"), code) << response.body;
    EXPECT_EQ(json_value(response.body, "param"),
              param.empty() ? "null" : param)
        << response.body;
    for (auto key : {"\"error\":{", "\"message\":\"", "\"type\":\""})
      EXPECT_THAT(response.body, testing::HasSubstr(key));
    EXPECT_FALSE(response.header("x-request-id").empty());
    EXPECT_EQ(response.header("content-type"), "application/json");
  }

  inline static std::unique_ptr<server_process> server_;
};

} // namespace model_server
