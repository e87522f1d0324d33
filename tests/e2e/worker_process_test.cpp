// Worker processes: they die, freeze and break, and no reply notices.
#include "support/chats.hpp"
#include "support/worker_processes.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

namespace model_server {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr auto models = R"({
  "fault": {"name": "fault", "params": {"enable": true}}
})";

const std::vector<std::string> two_devices = {
    "--virtual-devices",    "1",    "--restart-pause",      "10ms",
    "--restart-pause-most", "50ms", "--restart-limit",      "0",
    "--max-attempts",       "100",  "--heartbeat-interval", "100ms",
    "--heartbeat-timeout",  "1s"};

class worker_process_test : public testing::Test {
protected:
  explicit worker_process_test(std::vector<std::string> further = {})
      : server_(models, {"fault"}, with(two_devices, std::move(further))) {
    EXPECT_EQ(
        fetch(port(), "POST", "/api/v1/fault/add", R"({"device":"virtual:0"})")
            .status,
        200);
  }

  static std::vector<std::string> with(std::vector<std::string> options,
                                       std::vector<std::string> further) {
    std::ranges::move(further, std::back_inserter(options));
    return options;
  }

  std::uint16_t port() const {
    return server_.port();
  }

  /// A stream that has begun.
  std::unique_ptr<http_client> stream(std::string_view command,
                                      std::uint64_t seed) {
    auto result = std::make_unique<http_client>(port());
    result->request(
        "POST", "/api/v1/fault/call",
        chat_body(command, fmt::format(R"(,"seed":{},"stream":true)", seed)));
    EXPECT_EQ(result->receive_head().status, 200);
    return result;
  }

  /// Reads events until the one with this number; returns their text.
  static std::string read_up_to(http_client& client, std::uint64_t number) {
    std::string text;
    while (auto event = client.next_event()) {
      if (event->data.empty())
        continue;
      text += content_of(event->data);
      if (std::stoull(event->id) >= number)
        break;
    }
    return text;
  }

  pid_t busy_worker() {
    std::string device;
    EXPECT_TRUE(comes_true([&] {
      device = busy_device(port(), "fault");
      return !device.empty();
    }));
    return worker_on(server_.id(), "fault", device).id;
  }

  void expect_whole(const streamed_reply& reply, const std::string& begun,
                    std::uint64_t seed, std::size_t length) {
    EXPECT_EQ(begun + reply.text, expected_reply(seed, length));
    EXPECT_TRUE(reply.is_done);
    EXPECT_TRUE(reply.has_ended_well);
    for (std::size_t i = 1; i < reply.ids.size(); ++i)
      EXPECT_GE(std::stoull(reply.ids[i]), std::stoull(reply.ids[i - 1]));
  }

  server_process server_;
};

class hanging_worker_test : public worker_process_test {
protected:
  hanging_worker_test() : worker_process_test({"--step-timeout", "100ms"}) {
  }
};

TEST_F(worker_process_test, each_entity_is_a_process_of_its_own) {
  auto found = worker_processes(server_.id());
  ASSERT_THAT(found, SizeIs(2));
  EXPECT_NE(found[0].device, found[1].device);
}

TEST_F(worker_process_test, a_reply_survives_a_kill_after_any_token) {
  constexpr std::size_t length = 12;
  for (std::uint64_t k = 1; k < length; ++k) {
    SCOPED_TRACE(k);
    auto client = stream(fmt::format("len={} sleep_ms=30", length), k);
    auto worker = busy_worker();
    auto begun = read_up_to(*client, k);
    ::kill(worker, SIGKILL);
    expect_whole(read_stream(*client), begun, k, length);
    EXPECT_TRUE(entity_comes_to(port(), "fault", "cpu", "ready"));
    EXPECT_TRUE(entity_comes_to(port(), "fault", "virtual:0", "ready"));
  }
}

TEST_F(worker_process_test, a_frozen_worker_is_given_up_and_ended) {
  auto client = stream("len=40 sleep_ms=20", 5);
  auto worker = busy_worker();
  auto begun = read_up_to(*client, 3);
  ::kill(worker, SIGSTOP);
  auto frozen = std::chrono::steady_clock::now();
  expect_whole(read_stream(*client), begun, 5, 40);
  EXPECT_LT(std::chrono::steady_clock::now() - frozen, 10s);
  // It does not stay around to wake later.
  EXPECT_TRUE(comes_true([&] { return ::kill(worker, 0) != 0; }));
}

TEST_F(hanging_worker_test, a_reply_whose_step_hangs_goes_on_elsewhere) {
  auto beside = stream("len=40 sleep_ms=20", 8);
  auto client = stream("len=40 hang@5:once", 9);
  expect_whole(read_stream(*client), "", 9, 40);
  expect_whole(read_stream(*beside), "", 8, 40);
  EXPECT_TRUE(entity_comes_to(port(), "fault", "cpu", "ready"));
  EXPECT_TRUE(entity_comes_to(port(), "fault", "virtual:0", "ready"));
}

TEST_F(hanging_worker_test, whoever_hangs_every_worker_is_poison) {
  auto answer = fetch(port(), "POST", "/api/v1/fault/call",
                      chat_body("len=30 hang@5", R"(,"seed":7)"));
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(json_value(answer.body, "code"), "poison_request") << answer.body;
  EXPECT_THAT(server_.log(), HasSubstr("its step was not over after 1s"));
}

TEST_F(worker_process_test, waits_for_the_restart_where_there_is_no_other) {
  EXPECT_EQ(
      fetch(port(), "POST", "/api/v1/fault/remove", R"({"device":"virtual:0"})")
          .status,
      200);
  auto client = stream("len=20 sleep_ms=20", 6);
  auto worker = busy_worker();
  auto begun = read_up_to(*client, 4);
  ::kill(worker, SIGKILL);
  expect_whole(read_stream(*client), begun, 6, 20);
}

TEST_F(worker_process_test, poison_fails_alone_and_the_innocent_finish) {
  for (const auto* fault : {"segv@5", "abort@5", "exit@5", "throw@5"}) {
    SCOPED_TRACE(fault);
    std::vector<std::unique_ptr<http_client>> innocent;
    for (std::uint64_t seed = 1; seed <= 31; ++seed)
      innocent.push_back(stream("len=30 sleep_ms=5", seed));
    http_client poison{port()};
    poison.request(
        "POST", "/api/v1/fault/call",
        chat_body(fmt::format("len=30 sleep_ms=5 {}", fault), R"(,"seed":99)"));
    auto answer = poison.receive();
    EXPECT_EQ(answer.status, 500);
    EXPECT_EQ(json_value(answer.body, "code"), "poison_request") << answer.body;
    EXPECT_EQ(answer.header("x-should-retry"), "false");
    for (std::uint64_t seed = 1; seed <= 31; ++seed)
      expect_whole(read_stream(*innocent[seed - 1]), "", seed, 30);
  }
}

TEST_F(worker_process_test, a_poisoned_stream_ends_with_an_error_event) {
  // A process that breaks at once may take its first word with it.
  auto client = stream("len=30 sleep_ms=30 segv@5", 7);
  auto reply = read_stream(*client);
  // What was not yet sent when the process broke is gone.
  EXPECT_TRUE(expected_reply(7, 4).starts_with(reply.text)) << reply.text;
  ASSERT_FALSE(reply.data.empty());
  EXPECT_THAT(reply.data.back(), HasSubstr("poison_request"));
}

TEST_F(worker_process_test, no_process_outlives_a_front_that_is_killed) {
  auto workers = worker_processes(server_.id());
  ASSERT_THAT(workers, SizeIs(2));
  // Not even one that cannot notice it.
  ::kill(workers[0].id, SIGSTOP);
  server_.signal(SIGKILL);
  server_.wait();
  for (const auto& worker : workers)
    EXPECT_TRUE(comes_true([&] { return ::kill(worker.id, 0) != 0; }))
        << worker.device;
}

TEST_F(worker_process_test, none_is_left_after_a_stop_nor_unreaped_before) {
  auto victim = worker_on(server_.id(), "fault", "cpu").id;
  ::kill(victim, SIGKILL);
  EXPECT_TRUE(comes_true([&] { return ::kill(victim, 0) != 0; }))
      << "a zombie is left";
  EXPECT_TRUE(entity_comes_to(port(), "fault", "cpu", "ready"));
  auto workers = worker_processes(server_.id());
  server_.signal(SIGTERM);
  EXPECT_EQ(server_.wait(), 0);
  for (const auto& worker : workers)
    EXPECT_TRUE(comes_true([&] { return ::kill(worker.id, 0) != 0; }));
}

TEST_F(worker_process_test, a_removed_worker_is_gone_soon) {
  auto worker = worker_on(server_.id(), "fault", "virtual:0").id;
  EXPECT_EQ(
      fetch(port(), "POST", "/api/v1/fault/remove", R"({"device":"virtual:0"})")
          .status,
      200);
  EXPECT_TRUE(comes_true([&] { return ::kill(worker, 0) != 0; }));
}

// It costs more time and memory than a small model.
TEST(lean_process_test, a_model_on_the_cpu_goes_without_libtorch) {
  server_process server{
      fmt::format(
          R"({{"m": {{"name": "causal_lm", "params": {{"path": "{}/models/tiny-chat"}}}}}})",
          PROJECT_FOLDER),
      {"m"}};
  for (auto process : {server.id(), worker_on(server.id(), "m", "cpu").id}) {
    std::ifstream file{fmt::format("/proc/{}/maps", process)};
    std::string maps{std::istreambuf_iterator<char>{file}, {}};
    EXPECT_THAT(maps, HasSubstr("libcaf_core"));
    EXPECT_THAT(maps, Not(HasSubstr("libtorch")));
  }
}

} // namespace
} // namespace model_server
