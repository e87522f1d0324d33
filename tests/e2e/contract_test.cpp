// The HTTP contract on the real program, route by route.
#include "contract_fixture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace model_server {
namespace {

using testing::HasSubstr;

using contract_test = contract_fixture;

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
  client.send(fmt::format("POST /api/v1/fault/call HTTP/1.1\r\n"
                          "Host: localhost\r\n"
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
  auto has_moved = 0;
  for (int i : {0, 1}) {
    auto whole = expected_reply(static_cast<std::uint64_t>(21 + i), 60);
    auto rest = read_stream(clients[static_cast<std::size_t>(i)]);
    EXPECT_EQ(rest.text, whole.substr(whole.find(' ') + 1));
    EXPECT_TRUE(rest.is_done);
    // Its first event on the other device tells so.
    auto on_cpu = std::ranges::count_if(rest.data, [](const auto& data) {
      return data.find(R"("device":"cpu")") != data.npos;
    });
    has_moved += on_cpu == 2; // with the end
  }
  EXPECT_EQ(has_moved, 1);
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
                          R"("batch_size":8,"load":"manual","keep_alive":)"
                          R"(-1.0,"idle_seconds":)"));
    EXPECT_THAT(response.body,
                HasSubstr(R"(,"entities":[{"device":"cpu",)"
                          R"("node":"local","state":"ready","running":0,)"
                          R"("waiting":0,"tokens_per_second":)"));
    EXPECT_THAT(response.body,
                HasSubstr(R"("idle":{"entry":"echo","state":"inactive",)"
                          R"("batch_size":8,"load":"manual","keep_alive":)"
                          R"(-1.0,"idle_seconds":null,"entities":[]})"));
    EXPECT_THAT(response.body,
                HasSubstr(R"("nodes":[{"name":"local","devices":["cpu",)"
                          R"("virtual:0","virtual:1"]}])"));
  }
}

TEST_F(contract_test, shows_a_page) {
  auto page = fetch(port(), "GET", "/");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.header("content-type"), "text/html; charset=utf-8");
  EXPECT_THAT(page.header("content-security-policy"),
              HasSubstr("default-src 'none'"));
  EXPECT_THAT(page.body, HasSubstr("src=\"page/main.js\""));
  auto script = fetch(port(), "GET", "/page/main.js");
  EXPECT_EQ(script.status, 200);
  EXPECT_EQ(script.header("content-type"), "text/javascript; charset=utf-8");
  expect_error(fetch(port(), "GET", "/page/none.js"), 404, "unknown_url");
  auto posted = post("/", "{}");
  expect_error(posted, 405, "method_not_allowed");
  EXPECT_EQ(posted.header("allow"), "GET, HEAD");
}

TEST_F(contract_test, sends_the_page_once_to_who_keeps_it) {
  http_client client{port()};
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  auto page = client.receive();
  auto etag = page.header("etag");
  client.send("GET / HTTP/1.1\r\nHost: a\r\nIf-None-Match: " + etag
              + "\r\n\r\n");
  auto known = client.receive_head();
  EXPECT_EQ(known.status, 304);
  EXPECT_EQ(known.header("etag"), etag);
  client.expect_next_response();
  // Nothing of a body is in the way of what follows.
  client.send("GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.receive().body, R"({"status":"live"})");
}

TEST_F(contract_test, tells_its_health_and_its_routes) {
  EXPECT_EQ(fetch(port(), "GET", "/health/live").status, 200);
  EXPECT_EQ(fetch(port(), "GET", "/health/ready").status, 200);
  EXPECT_EQ(fetch(port(), "GET", "/health").status, 200);
  auto routes = fetch(port(), "GET", "/openapi.json");
  EXPECT_EQ(routes.status, 200);
  EXPECT_THAT(routes.body, HasSubstr("\"/api/v1/{model}/call\""));
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
