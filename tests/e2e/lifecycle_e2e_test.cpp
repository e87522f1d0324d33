// Models that come, change, go, and are loaded when they are needed, on the
// real program.
#include "support/chats.hpp"
#include "support/worker_processes.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <memory>

namespace model_server {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr auto before = R"({
  "echo": {"name": "echo"},
  "fault": {"name": "fault", "params": {"enable": true}},
  "old": {"name": "echo"}
})";

// `fault` needs another worker, `old` is gone, `new` has come.
constexpr auto after = R"({
  "echo": {"name": "echo"},
  "fault": {"name": "fault", "params": {"enable": true}, "batch_size": 4},
  "new": {"name": "echo", "params": {"prefix": "new: "}}
})";

// Tokens of a stream that goes on while things change.
constexpr std::size_t long_reply = 400;

class lifecycle_e2e_test : public testing::Test {
protected:
  void start(std::string_view config, const std::vector<std::string>& models,
             const std::vector<std::string>& options = {}) {
    write(config);
    std::vector<std::string> arguments{"--config", folder.path("config.json"),
                                       "--models-dir", folder.path("."),
                                       "--port", "0"};
    for (const auto& model : models)
      arguments.insert(arguments.end(), {"--model", model, "--device", "cpu"});
    arguments.insert(arguments.end(), options.begin(), options.end());
    server = std::make_unique<server_process>(arguments);
    auto line = server->next_line();
    port = static_cast<std::uint16_t>(
        std::stoul(line.substr(line.rfind(':') + 1)));
    for (std::size_t i = 0; i < models.size(); ++i)
      EXPECT_THAT(server->next_line(), HasSubstr(" is ready on "));
  }

  void write(std::string_view config) const {
    folder.write("config.json", config);
  }

  client_response post(std::string_view target,
                       std::string_view body = {}) const {
    return fetch(port, "POST", target, body);
  }

  std::string status() const {
    return fetch(port, "GET", "/api/v1/").body;
  }

  std::string idle_seconds(std::string_view model) const {
    auto text = status();
    auto at = text.find(fmt::format("\"{}\":{{\"entry\"", model));
    return at == std::string::npos
               ? ""
               : json_value(text.substr(at), "idle_seconds");
  }

  bool logs(std::string_view event) const {
    return comes_true(
        [&] { return server->log().find(event) != std::string::npos; });
  }

  // A stream of `fault` that is under way.
  std::unique_ptr<http_client> begin_stream(std::uint64_t seed) const {
    auto result = std::make_unique<http_client>(port);
    result->request(
        "POST", "/api/v1/fault/call",
        chat_body(fmt::format("len={} sleep_ms=10", long_reply),
                  fmt::format(",\"seed\":{},\"stream\":true", seed)));
    EXPECT_EQ(result->receive_head().status, 200);
    EXPECT_TRUE(comes_to(port, "fault", 1, 0));
    return result;
  }

  void expect_whole(http_client& stream, std::uint64_t seed) const {
    auto reply = read_stream(stream);
    EXPECT_EQ(reply.text, expected_reply(seed, long_reply));
    EXPECT_TRUE(reply.is_done);
    EXPECT_TRUE(reply.has_ended_well);
  }

  scratch_folder folder;
  std::unique_ptr<server_process> server;
  std::uint16_t port = 0;
};

} // namespace

// -- reload -------------------------------------------------------------------

TEST_F(lifecycle_e2e_test, sighup_takes_up_the_file_under_a_running_stream) {
  start(before, {"fault", "echo"});
  auto stream = begin_stream(7);
  write(after);
  server->signal(SIGHUP);
  ASSERT_TRUE(logs(" reloaded "));
  EXPECT_TRUE(
      comes_true([&] { return entities_of(port, "fault").size() == 2; }));
  EXPECT_EQ(post("/api/v1/old/call", chat_body("x")).status, 404);
  EXPECT_EQ(post("/api/v1/new/add").status, 200);
  EXPECT_EQ(content_of(post("/api/v1/new/call", chat_body("x")).body),
            "new: x");
  expect_whole(*stream, 7);
  EXPECT_TRUE(
      comes_true([&] { return entities_of(port, "fault").size() == 1; }));
  EXPECT_THAT(status(), HasSubstr(R"("batch_size":4)"));
  server->signal(SIGTERM);
  EXPECT_EQ(server->wait(), 0);
}

TEST_F(lifecycle_e2e_test, a_bad_file_changes_nothing_and_is_named) {
  start(before, {"fault"});
  auto stream = begin_stream(8);
  write("{\n\"echo\": {\"name\": \"ecko\"}\n}");
  server->signal(SIGHUP);
  ASSERT_TRUE(logs(" not_reloaded "));
  EXPECT_THAT(server->log(), HasSubstr("config.json, line 2: "));
  auto refused = post("/api/v1/reload");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(json_value(refused.body, "code"), "bad_config");
  EXPECT_THAT(refused.body, HasSubstr("line 2: \\\"echo.name\\\" is "
                                      "\\\"ecko\\\", which is no entry"));
  write(R"({"fault": {"name": "fault", "params": {"enabled": true}}})");
  refused = post("/api/v1/reload");
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, HasSubstr("model fault: entry fault: "));
  EXPECT_EQ(post("/api/v1/reload", R"({"x":1})").status, 400);
  EXPECT_EQ(fetch(port, "GET", "/api/v1/reload").status, 405);
  expect_whole(*stream, 8);
  EXPECT_EQ(entities_of(port, "fault").size(), 1u);
}

TEST_F(lifecycle_e2e_test, a_reload_tells_what_it_did) {
  start(before, {"echo", "old"});
  write(after);
  auto done = post("/api/v1/reload", "{}");
  EXPECT_EQ(done.status, 200);
  EXPECT_EQ(done.body, R"({"added":["new"],"removed":["old"],)"
                       R"("changed":["fault"],"unchanged":["echo"]})");
  EXPECT_TRUE(comes_true(
      [&] { return status().find(R"("old")") == std::string::npos; }));
  EXPECT_THAT(fetch(port, "GET", "/v1/models").body, Not(HasSubstr("old")));
  EXPECT_THAT(fetch(port, "GET", "/v1/models").body, HasSubstr("new"));
  EXPECT_EQ(post("/api/v1/reload").body,
            R"({"added":[],"removed":[],"changed":[],)"
            R"("unchanged":["echo","fault","new"]})");
}

TEST_F(lifecycle_e2e_test, replies_of_real_weights_move_to_the_new_worker) {
  auto with_batch = [](int size) {
    return fmt::format(R"({{"tiny": {{"name": "causal_lm", "batch_size": {},
      "params": {{"path": "{}/models/tiny-chat", "dtype": "fp32"}}}}}})",
                       size, PROJECT_FOLDER);
  };
  start(with_batch(2), {"tiny"});
  auto body = chat_body("Tell me about this project.",
                        ",\"seed\":5,\"max_tokens\":300,\"ignore_eos\":true,"
                        "\"stream\":true");
  auto run_through = [&](auto in_between) {
    http_client client{port};
    client.request("POST", "/api/v1/tiny/call", body);
    EXPECT_EQ(client.receive_head().status, 200);
    EXPECT_TRUE(client.next_event());
    in_between();
    return read_stream(client);
  };
  auto calm = run_through([] {});
  auto moved = run_through([&] {
    write(with_batch(3));
    EXPECT_EQ(post("/api/v1/reload").status, 200);
  });
  EXPECT_TRUE(logs(" worker_replaced "));
  EXPECT_EQ(moved.text, calm.text);
  EXPECT_TRUE(moved.is_done);
}

// -- on demand ----------------------------------------------------------------

TEST_F(lifecycle_e2e_test, the_first_call_loads_and_idleness_unloads) {
  start(fmt::format(R"({{"tiny": {{"name": "causal_lm", "load": "on_demand",
          "keep_alive": 0.3, "params": ["{}/models/tiny-chat"]}}}})",
                    PROJECT_FOLDER),
        {});
  // Ready, or no balancer would ever send the first call.
  EXPECT_EQ(fetch(port, "GET", "/health/ready").status, 200);
  EXPECT_TRUE(worker_processes(server->id()).empty());
  for (int round = 0; round < 2; ++round) {
    auto reply = post("/api/v1/tiny/call",
                      chat_body("hello", ",\"max_tokens\":3,\"seed\":1"));
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_TRUE(
        comes_true([&] { return worker_processes(server->id()).empty(); }));
    EXPECT_THAT(status(), HasSubstr(R"("state":"inactive")"));
    EXPECT_THAT(status(), HasSubstr(R"("load":"on_demand","keep_alive":0.3)"));
  }
}

TEST_F(lifecycle_e2e_test, many_first_calls_make_one_load) {
  start(R"({"slow": {"name": "fault", "load": "on_demand",
                     "params": {"enable": true, "load_sleep_ms": 300}}})",
        {});
  std::vector<std::unique_ptr<http_client>> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(std::make_unique<http_client>(port));
    clients.back()->request("POST", "/api/v1/slow/call",
                            chat_body("len=3", ",\"seed\":4"));
  }
  for (auto& client : clients)
    EXPECT_EQ(content_of(client->receive().body), expected_reply(4, 3));
  auto log = server->log();
  auto first = log.find(" worker_started ");
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(log.find(" worker_started ", first + 1), std::string::npos);
}

TEST_F(lifecycle_e2e_test, a_load_that_fails_is_500_for_everybody) {
  start(R"({"broken": {"name": "fault", "load": "on_demand",
                       "params": {"enable": true, "load_sleep_ms": 200,
                                  "load_throw": "no such weights"}}})",
        {});
  http_client first{port}, second{port};
  for (auto* client : {&first, &second})
    client->request("POST", "/api/v1/broken/call", chat_body("x"));
  for (auto* client : {&first, &second}) {
    auto response = client->receive();
    EXPECT_EQ(response.status, 500);
    EXPECT_EQ(json_value(response.body, "code"), "load_failed");
    EXPECT_THAT(response.body, HasSubstr("no such weights"));
  }
}

TEST_F(lifecycle_e2e_test, idle_models_go_where_memory_is_short) {
  auto model = [](std::string_view name) {
    return fmt::format(R"("{}": {{"name": "causal_lm", "params": {{
      "path": "{}/models/tiny-chat", "kv_cache_memory": "20M"}}}})",
                       name, PROJECT_FOLDER);
  };
  start(fmt::format("{{{}, {}}}", model("a"), model("b")), {},
        {"--load", "on_demand", "--cpu-memory-bytes", "30000000"});
  auto call = [&](std::string_view name) {
    return post(fmt::format("/api/v1/{}/call", name),
                chat_body("hello", ",\"max_tokens\":2"));
  };
  EXPECT_EQ(call("a").status, 200);
  ASSERT_TRUE(comes_to(port, "a", 0, 0));
  auto second = call("b");
  EXPECT_EQ(second.status, 200) << second.body;
  EXPECT_TRUE(entities_of(port, "a").empty());
  // A busy one stays: this one is frozen in its work.
  ASSERT_TRUE(comes_to(port, "b", 0, 0));
  auto worker = worker_on(server->id(), "b", "cpu").id;
  ::kill(worker, SIGSTOP);
  http_client busy{port};
  busy.request("POST", "/api/v1/b/call", chat_body("hello"));
  ASSERT_TRUE(comes_true([&] { return idle_seconds("b") == "null"; }));
  auto refused = call("a");
  ::kill(worker, SIGCONT);
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(json_value(refused.body, "code"), "insufficient_memory");
  EXPECT_FALSE(refused.header("retry-after").empty());
  EXPECT_EQ(busy.receive().status, 200);
}

} // namespace model_server
