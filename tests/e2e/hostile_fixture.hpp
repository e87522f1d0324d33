// One server for the tests of hostile clients, and a chat beside each of them
// that must not notice.
#pragma once

#include "support/chats.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace model_server {

inline constexpr auto hostile_models = R"({
  "echo": {"name": "echo"},
  "fault": {"name": "fault", "params": {"enable": true}},
  "beside": {"name": "fault",
             "params": {"enable": true, "commands": "len=40 sleep_ms=2"}}
})";

/// Starts the server with the first test and ends it with the last.
class hostile_fixture : public testing::Test {
protected:
  static void SetUpTestSuite() {
    low_descriptor_limit as_from_a_shell{1024};
    server_ = std::make_unique<server_process>(
        hostile_models, std::vector<std::string>{"echo", "fault", "beside"},
        std::vector<std::string>{"--read-timeout", "1s", "--write-timeout",
                                 "1s", "--ping-interval", "50ms"});
  }

  static void TearDownTestSuite() {
    server_.reset();
  }

  void SetUp() override {
    beside_ = std::make_unique<chat_beside>(port());
  }

  void TearDown() override {
    beside_.reset();
  }

  static std::uint16_t port() {
    return server_->port();
  }

  static std::size_t open_descriptors() {
    auto folder = fmt::format("/proc/{}/fd", server_->id());
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator{folder}, {}));
  }

  inline static std::unique_ptr<server_process> server_;
  std::unique_ptr<chat_beside> beside_;
};

} // namespace model_server
