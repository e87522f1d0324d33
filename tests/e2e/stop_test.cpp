// How the program starts and stops.
#include "support/chats.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <sys/wait.h>
#include <utility>

namespace model_server {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

constexpr auto models = R"({
  "echo": {"name": "echo"},
  "fault": {"name": "fault", "params": {"enable": true}},
  "broken": {"name": "fault", "params": {"enable": true, "load_throw": "no weights"}},
  "slow": {"name": "fault", "params": {"enable": true, "load_sleep_ms": 300}},
  "late": {"name": "fault", "params": {"enable": true, "load_sleep_ms": 300,
                                       "load_throw": "no weights"}}
})";

TEST(stop_test, finishes_what_it_has_begun_and_exits_with_0) {
  server_process server{models, {"fault"}};
  http_client stream{server.port()};
  stream.request(
      "POST", "/api/v1/fault/call",
      chat_body("len=50 sleep_ms=10", ",\"seed\":9,\"stream\":true"));
  EXPECT_EQ(stream.receive_head().status, 200);
  http_client whole{server.port()};
  whole.request("POST", "/api/v1/fault/call",
                chat_body("len=50 sleep_ms=10", ",\"seed\":8"));
  // Half of a request that will only be complete during the drain.
  http_client late{server.port()};
  auto body = chat_body("len=1");
  late.send(
      fmt::format("POST /api/v1/fault/call HTTP/1.1\r\nHost: localhost\r\n"
                  "Content-Length: {}\r\n\r\n",
                  body.size()));
  http_client idle{server.port()};
  ASSERT_TRUE(comes_to(server.port(), "fault", 2, 0));
  server.signal(SIGTERM);
  EXPECT_TRUE(idle.is_closed_by_server());
  EXPECT_TRUE(comes_true(
      [&] { return server.log().find(" draining ") != std::string::npos; }));
  late.send(body);
  auto refused = late.receive();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(json_value(refused.body, "code"), "shutting_down");
  EXPECT_FALSE(refused.header("retry-after").empty());
  EXPECT_THROW(http_client{server.port()}, std::exception);
  auto reply = read_stream(stream);
  EXPECT_EQ(reply.text, expected_reply(9, 50));
  EXPECT_TRUE(reply.is_done);
  EXPECT_EQ(content_of(whole.receive().body), expected_reply(8, 50));
  EXPECT_EQ(server.wait(), 0);
}

TEST(stop_test, exits_with_0_on_a_signal_as_soon_as_it_listens) {
  scratch_folder folder;
  auto config = folder.write("config.json", models);
  for (std::string model : {"echo", "slow", "slow", "late", "late"}) {
    server_process server{
        {"--config", config, "--port", "0", "--model", model}};
    EXPECT_THAT(server.next_line(), HasSubstr("listening on http://"));
    server.signal(SIGTERM);
    EXPECT_EQ(server.wait(), 0) << server.log();
  }
}

TEST(stop_test, ends_replies_that_take_longer_than_the_drain) {
  server_process server{models, {"fault"}, {"--drain-timeout", "100ms"}};
  http_client stream{server.port()};
  stream.request("POST", "/api/v1/fault/call",
                 chat_body("len=30000 sleep_ms=10", ",\"stream\":true"));
  EXPECT_EQ(stream.receive_head().status, 200);
  ASSERT_TRUE(stream.next_event());
  server.signal(SIGTERM);
  auto reply = read_stream(stream);
  EXPECT_EQ(json_value(reply.data.back(), "code"), "shutting_down");
  EXPECT_FALSE(reply.is_done);
  EXPECT_TRUE(reply.has_ended_well);
  EXPECT_EQ(server.wait(), 0);
}

TEST(stop_test, ends_at_once_on_a_second_signal) {
  server_process server{models, {"fault"}};
  http_client stream{server.port()};
  stream.request("POST", "/api/v1/fault/call",
                 chat_body("len=30000 sleep_ms=10", ",\"stream\":true"));
  EXPECT_EQ(stream.receive_head().status, 200);
  http_client idle{server.port()};
  server.signal(SIGINT);
  EXPECT_TRUE(idle.is_closed_by_server()); // the first one has been seen
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), -SIGTERM);
}

TEST(stop_test, serves_the_models_that_load_when_another_does_not) {
  scratch_folder folder;
  server_process server{{"--config", folder.write("config.json", models),
                         "--port", "0", "--model", "broken", "--model",
                         "echo"}};
  auto listening = server.next_line();
  EXPECT_THAT(listening, HasSubstr("listening on http://127.0.0.1:"));
  EXPECT_EQ(server.next_line(), "echo is ready on cpu");
  EXPECT_TRUE(comes_true([&] {
    return server.log().find("model_not_started") != std::string::npos;
  }));
  EXPECT_THAT(server.log(), HasSubstr("no weights"));
  auto port = static_cast<std::uint16_t>(
      std::stoul(listening.substr(listening.rfind(':') + 1)));
  EXPECT_EQ(fetch(port, "GET", "/health/ready").status, 200);
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 0);
}

TEST(stop_test, exits_with_1_when_no_model_loads) {
  scratch_folder folder;
  server_process server{{"--config", folder.write("config.json", models),
                         "--port", "0", "--model", "broken"}};
  EXPECT_EQ(server.wait(), 1);
  EXPECT_THAT(server.log(), HasSubstr("no weights"));
}

TEST(stop_test, is_live_but_not_ready_without_a_model) {
  server_process server{models, {}};
  EXPECT_EQ(fetch(server.port(), "GET", "/health/live").status, 200);
  auto ready = fetch(server.port(), "GET", "/health/ready");
  EXPECT_EQ(ready.status, 503);
  EXPECT_EQ(json_value(ready.body, "code"), "not_ready");
  EXPECT_FALSE(ready.header("retry-after").empty());
  EXPECT_EQ(fetch(server.port(), "POST", "/api/v1/echo/activate").status, 200);
  EXPECT_EQ(fetch(server.port(), "GET", "/health/ready").status, 200);
}

TEST(stop_test, is_asked_for_its_health_by_a_command) {
  server_process server{models, {}};
  auto ask = [](std::uint16_t port) {
    server_process command{
        {"health", "--url", fmt::format("http://127.0.0.1:{}", port)}};
    auto status = command.wait();
    return std::pair{status, command.log()};
  };
  auto [not_ready, why] = ask(server.port());
  EXPECT_EQ(not_ready, 1);
  EXPECT_THAT(why, HasSubstr("no model has an entity that is ready"));
  EXPECT_EQ(fetch(server.port(), "POST", "/api/v1/echo/activate").status, 200);
  EXPECT_THAT(ask(server.port()), Pair(0, IsEmpty()));
  EXPECT_THAT(ask(1),
              Pair(1, HasSubstr("no server answers at http://127.0.0.1:1")));
}

TEST(stop_test, exits_with_1_when_another_try_could_do) {
  scratch_folder folder;
  auto config = folder.write("config.json", models);
  server_process other{models, {}};
  server_process server{
      {"--config", config, "--port", std::to_string(other.port())}};
  EXPECT_EQ(server.next_line(), "");
  EXPECT_EQ(server.wait(), 1);
  EXPECT_EQ(server.log(), fmt::format("model_api: cannot listen on 127.0.0.1 "
                                      "port {}: Address already in use\n",
                                      other.port()));
}

TEST(stop_test, exits_with_2_and_one_sentence_when_it_cannot_start) {
  scratch_folder folder;
  auto config = folder.write("config.json", R"({
    "echo": {"name": "echo"},
    "misspelt": {"name": "echo", "params": {"nope": 1}},
    "too-long": {"name": "causal_lm", "params": ["models", "bf16", 1, 2, 3]},
    "gone": {"name": "causal_lm", "params": {"path": "gone"}}
  })");
  const std::vector<std::string> bad[] = {
      {"--frobnicate"},
      {"--port", "70000"},
      {"--config", config + ".not"},
      {"--config", config, "--model", "nobody"},
      {"--config", config, "--model", "echo", "--device", "nope"},
      {"--config", config, "--model", "echo", "--device", "cpu", "local/cpu"},
      {"--config", config, "--model", "misspelt"},
      {"--config", config, "--model", "too-long"},
      {"--config", config, "--model", "echo", "--model", "gone"},
      {"--config", config, "--port", "0", "--address", "nowhere"},
  };
  for (const auto& arguments : bad) {
    server_process server{arguments};
    EXPECT_EQ(server.next_line(), "");
    EXPECT_EQ(server.wait(), 2) << arguments.back();
    auto said = server.log();
    EXPECT_TRUE(said.starts_with("model_api: ")) << said;
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
  }
}

TEST(stop_test, fails_in_order_when_its_words_find_no_room) {
  for (std::string option : {"--help", "--version"}) {
    auto command = MODEL_API_PROGRAM " " + option + " >/dev/full 2>/dev/null";
    auto status = std::system(command.c_str());
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 1);
  }
}

TEST(stop_test, refuses_connections_above_the_cap_with_a_reason) {
  server_process server{models, {}, {"--max-connections", "3"}};
  std::vector<http_client> kept;
  for (int i = 0; i < 3; ++i) {
    kept.emplace_back(server.port());
    kept.back().request("GET", "/health/live");
    EXPECT_EQ(kept.back().receive().status, 200);
  }
  auto refused = fetch(server.port(), "GET", "/health/live");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(json_value(refused.body, "code"), "too_many_connections");
  EXPECT_EQ(refused.header("retry-after"), "1");
  kept.clear();
  EXPECT_TRUE(comes_true([&] {
    return fetch(server.port(), "GET", "/health/live").status == 200;
  }));
}

TEST(stop_test, tells_even_those_far_above_the_cap_why_they_are_refused) {
  server_process server{models, {}, {"--max-connections", "3"}};
  std::vector<http_client> many;
  for (int i = 0; i < 100; ++i)
    many.emplace_back(server.port());
  for (std::size_t i = 3; i < many.size(); ++i)
    EXPECT_EQ(many[i].receive().status, 503) << i;
}

} // namespace
} // namespace model_server
