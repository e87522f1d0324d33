// The HTTP contract on the real program, route by route and error by error.
#include "support/chats.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

namespace model_server {
namespace {

using testing::HasSubstr;

constexpr auto models = R"({
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

/// One server for all tests of this file; they leave it as they found it.
class contract_test : public testing::Test {
protected:
  static void SetUpTestSuite() {
    server_ = std::make_unique<server_process>(
        models,
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
      EXPECT_THAT(response.body, HasSubstr(key));
    EXPECT_FALSE(response.header("x-request-id").empty());
    EXPECT_EQ(response.header("content-type"), "application/json");
  }

  static std::unique_ptr<server_process> server_;
};

std::unique_ptr<server_process> contract_test::server_;

// -- call ---------------------------------------------------------------------

TEST_F(contract_test, answers_a_call) {
  auto response = post("/api/v1/echo/call", chat_body("hello", ",\"seed\":7"));
  EXPECT_EQ(response.status, 200);
  auto id = json_value(response.body, "id");
  EXPECT_TRUE(id.starts_with("call-"));
  EXPECT_EQ(response.body,
            fmt::format(R"({{"id":"{}","model":"echo","message":{{"role":)"
                        R"("agent","content":"hello"}},"finish_reason":"stop",)"
                        R"("seed":7,"device":"cpu","usage":{{)"
                        R"("prompt_tokens":6,"completion_tokens":5,)"
                        R"("cached_tokens":0}}}})",
                        id));
}

TEST_F(contract_test, reads_json_whatever_the_content_type_says) {
  EXPECT_EQ(
      post("/api/v1/echo/call", chat_body("x"), "Content-Type: text/plain\r\n")
          .status,
      200);
}

TEST_F(contract_test, takes_model_names_with_a_slash) {
  EXPECT_EQ(post("/api/v1/org/echo/call", chat_body("x")).status, 200);
  EXPECT_EQ(post("/api/v1/org%2Fecho/call", chat_body("x")).status, 200);
}

TEST_F(contract_test, ends_a_reply_at_max_tokens) {
  auto response =
      post("/api/v1/echo/call", chat_body("hello", ",\"max_tokens\":2"));
  EXPECT_EQ(content_of(response.body), "he");
  EXPECT_EQ(json_value(response.body, "finish_reason"), "length");
}

TEST_F(contract_test, draws_a_seed_that_repeats_the_reply) {
  auto first = post("/api/v1/fault/call", chat_body("len=8"));
  auto seed = json_value(first.body, "seed");
  auto second =
      post("/api/v1/fault/call", chat_body("len=8", ",\"seed\":" + seed));
  EXPECT_EQ(content_of(first.body), content_of(second.body));
  EXPECT_EQ(content_of(first.body), expected_reply(std::stoull(seed), 8));
}

TEST_F(contract_test, streams_in_order) {
  http_client client{port()};
  client.request("POST", "/api/v1/fault/call",
                 chat_body("len=5", ",\"seed\":3,\"stream\":true"));
  auto head = client.receive_head();
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("content-type"), "text/event-stream");
  EXPECT_EQ(head.header("cache-control"), "no-store");
  auto reply = read_stream(client);
  EXPECT_EQ(reply.text, expected_reply(3, 5));
  EXPECT_TRUE(reply.is_done);
  EXPECT_TRUE(reply.has_ended_well);
  EXPECT_EQ(reply.ids,
            (std::vector<std::string>{"1", "2", "3", "4", "5", "5"}));
  for (std::size_t i = 0; i < reply.data.size(); ++i) {
    EXPECT_EQ(reply.data[i].find("\"role\":\"agent\"") != std::string::npos,
              i == 0);
    auto is_last = i + 1 == reply.data.size();
    EXPECT_EQ(json_value(reply.data[i], "finish_reason"),
              is_last ? "stop" : "null");
    EXPECT_EQ(json_value(reply.data[i], "id"), json_value(reply.data[0], "id"));
  }
  EXPECT_EQ(json_value(reply.data.back(), "completion_tokens"), "5");
  EXPECT_EQ(json_value(reply.data.back(), "seed"), "3");
}

TEST_F(contract_test, sends_tokens_as_they_are_made) {
  http_client client{port()};
  client.request("POST", "/api/v1/fault/call",
                 chat_body("len=2 sleep_ms=300@2", ",\"stream\":true"));
  client.receive_head();
  ASSERT_TRUE(client.next_event());
  auto first = std::chrono::steady_clock::now();
  ASSERT_TRUE(client.next_event());
  EXPECT_GT(std::chrono::steady_clock::now() - first,
            std::chrono::milliseconds{150});
}

TEST_F(contract_test, keeps_a_connection_for_further_requests) {
  http_client client{port()};
  for (int i = 0; i < 3; ++i) {
    client.request("POST", "/api/v1/echo/call",
                   chat_body("a", ",\"stream\":true"));
    client.receive_head();
    EXPECT_TRUE(read_stream(client).is_done);
    client.expect_next_response();
    client.request("GET", "/health/live");
    EXPECT_EQ(client.receive().status, 200);
  }
}

TEST_F(contract_test, answers_pipelined_requests_in_their_order) {
  http_client client{port()};
  std::string live = "GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n";
  auto body = chat_body("len=3 sleep_ms=20", ",\"seed\":1");
  client.send(fmt::format("POST /api/v1/fault/call HTTP/1.1\r\nHost: a\r\n"
                          "Content-Length: {}\r\n\r\n{}",
                          body.size(), body)
              + live + "BAD\r\n\r\n");
  EXPECT_EQ(content_of(client.receive().body), expected_reply(1, 3));
  EXPECT_EQ(client.receive().body, R"({"status":"live"})");
  expect_error(client.receive(), 400, "bad_http");
  EXPECT_TRUE(client.is_closed_by_server());
}

TEST_F(contract_test, goes_on_when_a_worker_dies) {
  http_client client{port()};
  client.request(
      "POST", "/api/v1/fault/call",
      chat_body("len=12 throw@5:once", ",\"seed\":11,\"stream\":true"));
  EXPECT_EQ(client.receive_head().status, 200);
  auto reply = read_stream(client);
  EXPECT_EQ(reply.text, expected_reply(11, 12));
  EXPECT_TRUE(reply.is_done);
}

// -- add, remove, activate, status --------------------------------------------

TEST_F(contract_test, adds_activates_and_removes) {
  auto added = post("/api/v1/idle/add", "");
  EXPECT_EQ(added.status, 200);
  EXPECT_EQ(added.body, R"({"model":"idle","device":"cpu","state":"ready"})");
  expect_error(post("/api/v1/idle/add", R"({"device":"cpu"})"), 409,
               "device_in_use", "device");
  auto active = post("/api/v1/idle/activate", "{}");
  EXPECT_EQ(active.status, 200);
  EXPECT_EQ(json_value(active.body, "unchanged"), "true");
  EXPECT_EQ(post("/api/v1/idle/add", R"({"device":"virtual:0"})").status, 200);
  auto removed = post("/api/v1/idle/remove", "");
  EXPECT_EQ(removed.status, 200);
  EXPECT_EQ(removed.body,
            R"({"model":"idle","device":"virtual:0","moved_replies":0})");
  EXPECT_EQ(post("/api/v1/idle/remove", R"({"device":"cpu"})").status, 200);
  expect_error(post("/api/v1/idle/remove", ""), 409, "model_not_active");
  auto again = post("/api/v1/idle/activate", "");
  EXPECT_EQ(json_value(again.body, "unchanged"), "false");
  EXPECT_EQ(post("/api/v1/idle/remove", "").status, 200);
}

TEST_F(contract_test, moves_replies_token_for_token) {
  EXPECT_EQ(post("/api/v1/other/add", R"({"device":"virtual:0"})").status, 200);
  EXPECT_EQ(post("/api/v1/other/remove", "").status, 200);
  EXPECT_EQ(post("/api/v1/fault/add", R"({"device":"virtual:0"})").status, 200);
  // Two replies, so that whichever device goes has one.
  std::vector<http_client> clients;
  for (int seed : {21, 22}) {
    clients.emplace_back(port());
    clients.back().request(
        "POST", "/api/v1/fault/call",
        chat_body("len=60 sleep_ms=5",
                  fmt::format(",\"seed\":{},\"stream\":true", seed)));
    EXPECT_EQ(clients.back().receive_head().status, 200);
    ASSERT_TRUE(clients.back().next_event());
  }
  auto removed = post("/api/v1/fault/remove", R"({"device":"virtual:0"})");
  EXPECT_EQ(removed.status, 200);
  EXPECT_EQ(json_value(removed.body, "moved_replies"), "1");
  for (int i : {0, 1}) {
    auto whole = expected_reply(static_cast<std::uint64_t>(21 + i), 60);
    auto rest = read_stream(clients[static_cast<std::size_t>(i)]);
    EXPECT_EQ(rest.text, whole.substr(whole.find(' ') + 1));
    EXPECT_TRUE(rest.is_done);
  }
}

TEST_F(contract_test, answers_at_once_when_it_need_not_wait) {
  auto begun = std::chrono::steady_clock::now();
  auto response = post("/api/v1/loading/add", R"({"wait":false})");
  EXPECT_EQ(response.status, 202);
  EXPECT_EQ(json_value(response.body, "state"), "loading");
  EXPECT_LT(std::chrono::steady_clock::now() - begun,
            std::chrono::milliseconds{1000});
  auto call = post("/api/v1/loading/call", chat_body("len=1"));
  expect_error(call, 503, "model_loading");
  EXPECT_FALSE(call.header("retry-after").empty());
  EXPECT_TRUE(comes_true(
      [] { return entity_value(port(), "loading", "state") == "ready"; }));
  EXPECT_EQ(post("/api/v1/loading/remove", "").status, 200);
}

TEST_F(contract_test, tells_the_status_by_get_and_post) {
  for (auto [method, target] : {std::pair{"GET", "/api/v1/"},
                                {"POST", "/api/v1/"},
                                {"GET", "/api/v1"}}) {
    auto response = fetch(port(), method, target);
    EXPECT_EQ(response.status, 200);
    EXPECT_THAT(response.body,
                HasSubstr(R"("echo":{"entry":"echo","state":"ready",)"
                          R"("batch_size":8,"entities":[{"device":"cpu",)"
                          R"("node":"local","state":"ready","running":0,)"
                          R"("waiting":0,"tokens_per_second":)"));
    EXPECT_THAT(response.body,
                HasSubstr(R"("idle":{"entry":"echo","state":"inactive",)"
                          R"("batch_size":8,"entities":[]})"));
  }
}

TEST_F(contract_test, tells_its_health_and_its_routes) {
  EXPECT_EQ(fetch(port(), "GET", "/health/live").status, 200);
  EXPECT_EQ(fetch(port(), "GET", "/health/ready").status, 200);
  EXPECT_EQ(fetch(port(), "GET", "/health").status, 200);
  auto routes = fetch(port(), "GET", "/openapi.json");
  EXPECT_EQ(routes.status, 200);
  EXPECT_THAT(routes.body, HasSubstr("\"/api/v1/{model}/call\""));
}

// -- the error table ----------------------------------------------------------

TEST_F(contract_test, says_400_to_bodies_that_make_no_sense) {
  auto call = "/api/v1/echo/call";
  expect_error(post(call, ""), 400, "missing_field", "messages");
  expect_error(post(call, "{"), 400, "invalid_json");
  expect_error(post(call, chat_body("\xFF")), 400, "invalid_utf8");
  expect_error(post(call, chat_body("x", ",\"temprature\":1")), 400,
               "unknown_field", "temprature");
  expect_error(post(call, chat_body("x", ",\"temperature\":3")), 400,
               "out_of_range", "temperature");
  expect_error(post(call, chat_body("x", ",\"stream\":1")), 400, "wrong_type",
               "stream");
  expect_error(post(call, R"({"messages":[{"role":"robot","content":"x"}]})"),
               400, "bad_role", "messages[0].role");
  expect_error(post(call, chat_body("x", ",\"n\":2")), 400, "unsupported_field",
               "n");
  expect_error(post("/api/v1/", R"({"x":1})"), 400, "unknown_field", "x");
  auto device = post("/api/v1/echo/add", R"({"device":"cuda:99"})");
  expect_error(device, 400, "no_such_device", "device");
  EXPECT_THAT(device.body, HasSubstr("virtual:1"));
}

TEST_F(contract_test, says_400_with_both_counts_to_a_prompt_that_is_too_long) {
  auto response = post("/api/v1/short/call", chat_body("0123456789abcdefghij"));
  expect_error(response, 400, "context_length_exceeded", "messages");
  EXPECT_THAT(response.body, HasSubstr("21"));
  EXPECT_THAT(response.body, HasSubstr("16"));
}

TEST_F(contract_test, says_404_to_what_is_not_there) {
  expect_error(post("/api/v1/nobody/call", chat_body("x")), 404,
               "model_not_found", "model");
  expect_error(post("/api/v1/.hidden/call", chat_body("x")), 404,
               "model_not_found", "model");
  expect_error(post("/api/v1/%00%0a%1b/add", ""), 404, "model_not_found",
               "model");
  expect_error(fetch(port(), "GET", "/nowhere"), 404, "unknown_url");
}

TEST_F(contract_test, says_405_and_what_is_allowed) {
  auto response = fetch(port(), "GET", "/api/v1/echo/call");
  expect_error(response, 405, "method_not_allowed");
  EXPECT_EQ(response.header("allow"), "POST");
}

TEST_F(contract_test, says_408_to_half_a_request) {
  expect_error(fetch_raw(port(), "POST /api/v1/echo/call HTTP/1.1\r\nHost:"),
               408, "request_timeout");
  expect_error(fetch_raw(port(),
                         "POST /api/v1/echo/call HTTP/1.1\r\nHost: a\r\n"
                         "Content-Length: 100\r\n\r\n{\"messages\":"),
               408, "request_timeout");
}

TEST_F(contract_test, says_413_to_a_body_that_is_too_large) {
  expect_error(post("/api/v1/echo/call", std::string((4 << 20) + 1, ' ')), 413,
               "request_too_large");
}

TEST_F(contract_test, takes_a_body_of_just_the_limit) {
  std::string body = chat_body("x");
  body.resize(4 << 20, ' ');
  EXPECT_EQ(post("/api/v1/echo/call", body).status, 200);
}

TEST_F(contract_test, says_414_and_431_to_a_head_that_is_too_large) {
  expect_error(fetch(port(), "GET", "/" + std::string(9000, 'a')), 414,
               "uri_too_long");
  expect_error(fetch(port(), "GET", "/health/live", {},
                     "X: " + std::string(80'000, 'x') + "\r\n"),
               431, "headers_too_large");
}

TEST_F(contract_test, says_429_and_when_to_come_again) {
  std::vector<http_client> clients;
  for (int i = 0; i < 3; ++i) { // one runs, two wait
    clients.emplace_back(port());
    clients.back().request("POST", "/api/v1/one/call",
                           chat_body("len=100 sleep_ms=50"));
    ASSERT_TRUE(comes_to(port(), "one", 1, i));
  }
  auto response = post("/api/v1/one/call", chat_body("len=1"));
  expect_error(response, 429, "queue_full");
  EXPECT_GE(std::stoi(response.header("retry-after")), 1);
  EXPECT_EQ(json_value(response.body, "type"), "rate_limit_error");
  clients.clear();
  EXPECT_TRUE(comes_to(port(), "one", 0, 0));
}

TEST_F(contract_test, says_500_when_the_model_fails) {
  expect_error(post("/api/v1/fault/call", chat_body("len=4 nan@2")), 500,
               "model_failed");
  auto lost = post("/api/v1/fault/call", chat_body("len=4 throw@2"));
  expect_error(lost, 500, "worker_lost");
  EXPECT_EQ(lost.header("x-should-retry"), "false");
  auto broken = post("/api/v1/broken/add", "");
  expect_error(broken, 500, "load_failed");
  EXPECT_THAT(broken.body, HasSubstr("no such weights"));
  EXPECT_TRUE(comes_true([] {
    return post("/api/v1/fault/call", chat_body("len=1")).status == 200;
  }));
}

TEST_F(contract_test, ends_a_stream_that_fails_without_done) {
  http_client client{port()};
  client.request("POST", "/api/v1/fault/call",
                 chat_body("len=4 nan@3", ",\"stream\":true"));
  EXPECT_EQ(client.receive_head().status, 200);
  auto reply = read_stream(client);
  EXPECT_EQ(json_value(reply.data.back(), "code"), "model_failed");
  EXPECT_FALSE(reply.is_done);
  EXPECT_TRUE(reply.has_ended_well);
}

TEST_F(contract_test, says_503_when_no_entity_is_left) {
  auto response = post("/api/v1/idle/call", chat_body("x"));
  expect_error(response, 503, "model_not_active");
  EXPECT_GE(std::stoi(response.header("retry-after")), 1);
}

// -- x-request-id -------------------------------------------------------------

TEST_F(contract_test, gives_back_the_id_of_the_client) {
  auto with_id = [](std::string_view target, std::string_view method = "POST") {
    return fetch(port(), method, target, chat_body("x"),
                 "X-Request-Id: my-id.1\r\n")
        .header("x-request-id");
  };
  EXPECT_EQ(with_id("/api/v1/echo/call"), "my-id.1");
  EXPECT_EQ(with_id("/nowhere"), "my-id.1");
  EXPECT_EQ(with_id("/api/v1/echo/call", "GET"), "my-id.1");
  auto refused = fetch_raw(port(), "GET / HTTP/1.1\r\nX-Request-Id: my-id.2\r\n"
                                   "Host: a\r\nHost: b\r\n\r\n");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.header("x-request-id"), "my-id.2");
}

TEST_F(contract_test, makes_an_id_where_the_client_has_none_that_is_valid) {
  auto id =
      fetch(port(), "GET", "/health/live", {}, "X-Request-Id: not valid\r\n")
          .header("x-request-id");
  EXPECT_EQ(id.size(), 16u);
  EXPECT_NE(id, fetch(port(), "GET", "/health/live").header("x-request-id"));
}

} // namespace
} // namespace model_server
