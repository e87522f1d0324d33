// The guarded door of the program: keys, roles, limits, pages, addresses.
#include "support/chats.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>

namespace model_server {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr auto models = R"({
  "echo": {"name": "echo"},
  "fault": {"name": "fault", "params": {"enable": true}}
})";

constexpr auto keys = R"({"keys": [
  {"name": "alice", "key": "sk-alice-0123456789", "role": "call"},
  {"name": "ops", "key": "sk-ops-0123456789ab", "role": "admin"},
  {"name": "rare", "key": "sk-rare-0123456789a", "role": "call",
   "requests_per_minute": 2},
  {"name": "short", "key": "sk-short-0123456789", "role": "call",
   "tokens_per_minute": 20},
  {"name": "single", "key": "sk-single-012345678", "role": "call",
   "parallel": 1}
]})";

std::string with_key(std::string_view name) {
  constexpr std::string_view rest = "0123456789abcdef";
  auto key = fmt::format("sk-{}-{}", name, rest).substr(0, 19);
  return fmt::format("Authorization: Bearer {}\r\n", key);
}

/// A server with the keys above, for all tests.
class guard_test : public testing::Test {
protected:
  static void SetUpTestSuite() {
    auto file = folder_->write("keys.json", keys);
    std::filesystem::permissions(file, std::filesystem::perms{0600});
    server_ = std::make_unique<server_process>(
        models, std::vector<std::string>{"echo", "fault"},
        std::vector<std::string>{
            "--api-key-file", file, "--virtual-devices", "1", "--cors-origins",
            "https://friend.example", "--log-level", "debug"});
  }

  static void TearDownTestSuite() {
    server_.reset();
    folder_.reset();
  }

  static std::uint16_t port() {
    return server_->port();
  }

  static client_response call(std::string_view fields,
                              std::string_view message = "hello") {
    return fetch(port(), "POST", "/api/v1/echo/call", chat_body(message),
                 fields);
  }

  static void expect_error(const client_response& response, int status,
                           std::string_view type, std::string_view code) {
    EXPECT_EQ(response.status, status) << response.body;
    EXPECT_EQ(json_value(response.body, "type"), type);
    EXPECT_EQ(json_value(response.body, "code"), code);
    EXPECT_EQ(json_value(response.body, "param"), "null");
    EXPECT_THAT(response.body, HasSubstr("\"message\":\""));
  }

  inline static std::unique_ptr<scratch_folder> folder_ =
      std::make_unique<scratch_folder>();
  inline static std::unique_ptr<server_process> server_;
};

TEST_F(guard_test, answers_401_without_a_key_or_with_a_wrong_one) {
  auto missing = call("");
  expect_error(missing, 401, "authentication_error", "missing_api_key");
  EXPECT_EQ(missing.header("www-authenticate"), "Bearer");
  EXPECT_EQ(missing.header("x-ratelimit-limit-requests"), "");
  for (auto fields : {"Authorization: Bearer sk-alice-012345678\r\n",
                      "Authorization: Bearer sk-\xC3\xA4lice-0123456\r\n"})
    expect_error(call(fields), 401, "authentication_error", "invalid_api_key");
  expect_error(call("Authorization: Bearer " + std::string(8000, 'k') + "\r\n"),
               401, "authentication_error", "invalid_api_key");
  expect_error(call("Authorization: Bearer " + std::string(9000, 'k') + "\r\n"),
               431, "invalid_request_error", "headers_too_large");
  expect_error(call(with_key("alice") + with_key("ops")), 400,
               "invalid_request_error", "bad_http");
  expect_error(fetch(port(), "GET", "/v1/models?api_key=sk-alice-0123456789"),
               401, "authentication_error", "missing_api_key");
}

TEST_F(guard_test, guards_every_route_but_health_and_the_description) {
  for (auto target :
       {"/health", "/health/live", "/health/ready", "/openapi.json"})
    EXPECT_EQ(fetch(port(), "GET", target).status, 200) << target;
  for (auto target : {"/api/v1/", "/v1/models", "/v1/models/echo"})
    EXPECT_EQ(fetch(port(), "GET", target).status, 401) << target;
  for (auto target :
       {"/api/v1/", "/api/v1/echo/call", "/api/v1/echo/add",
        "/api/v1/echo/remove", "/api/v1/echo/activate", "/api/v1/nobody/call",
        "/v1/chat/completions", "/v1/completions", "/v1/embeddings",
        "/tokenize", "/detokenize"})
    EXPECT_EQ(fetch(port(), "POST", target).status, 401) << target;
}

TEST_F(guard_test, lets_a_role_do_what_it_may) {
  EXPECT_EQ(content_of(call(with_key("alice")).body), "hello");
  EXPECT_EQ(content_of(call(with_key("ops")).body), "hello");
  for (auto action : {"add", "remove", "activate"})
    expect_error(fetch(port(), "POST", fmt::format("/api/v1/echo/{}", action),
                       R"({"device":"virtual:0"})", with_key("alice")),
                 403, "permission_error", "scope_denied");
  EXPECT_EQ(fetch(port(), "GET", "/api/v1/", {}, with_key("alice")).status,
            403);
  EXPECT_EQ(fetch(port(), "GET", "/api/v1/", {}, with_key("ops")).status, 200);
  for (auto action : {"add", "remove"})
    EXPECT_EQ(fetch(port(), "POST", fmt::format("/api/v1/echo/{}", action),
                    R"({"device":"virtual:0"})", with_key("ops"))
                  .status,
              200);
}

TEST_F(guard_test, takes_what_clients_of_openai_send) {
  auto fields = "authorization: Bearer sk-alice-0123456789\r\n"
                "Accept: application/json\r\nContent-Type: application/json\r\n"
                "User-Agent: OpenAI/Python 1.99.9\r\n"
                "X-Stainless-Lang: python\r\nX-Stainless-Retry-Count: 0\r\n";
  auto response = fetch(
      port(), "POST", "/v1/chat/completions",
      R"({"model":"echo","messages":[{"role":"user","content":"hello"}]})",
      fields);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.header("x-ratelimit-limit-requests"), "600");
  EXPECT_EQ(response.header("x-ratelimit-limit-tokens"), "1000000");
  for (auto name :
       {"x-ratelimit-remaining-requests", "x-ratelimit-reset-requests",
        "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"})
    EXPECT_THAT(response.header(name), Not(IsEmpty())) << name;
}

TEST_F(guard_test, bounds_the_requests_of_a_key) {
  EXPECT_EQ(call(with_key("rare")).status, 200);
  EXPECT_EQ(call(with_key("rare")).status, 200);
  auto refused = call(with_key("rare"));
  expect_error(refused, 429, "rate_limit_error", "rate_limit_exceeded");
  auto wait = std::stoi(refused.header("retry-after"));
  EXPECT_GE(wait, 1);
  EXPECT_LE(wait, 30);
  EXPECT_EQ(refused.header("x-ratelimit-remaining-requests"), "0");
  EXPECT_EQ(call(with_key("alice")).status, 200);
}

TEST_F(guard_test, bounds_the_tokens_of_a_key) {
  EXPECT_EQ(call(with_key("short"), "twenty and a few more").status, 200);
  auto refused = call(with_key("short"));
  expect_error(refused, 429, "rate_limit_error", "rate_limit_exceeded");
  EXPECT_THAT(refused.body, HasSubstr("20 tokens a minute"));
  EXPECT_GE(std::stoi(refused.header("retry-after")), 30);
}

TEST_F(guard_test, bounds_what_a_key_does_at_one_time) {
  http_client stream{port()};
  stream.request("POST", "/api/v1/fault/call",
                 chat_body("len=30000 sleep_ms=5", ",\"stream\":true"),
                 with_key("single"));
  EXPECT_EQ(stream.receive_head().status, 200);
  expect_error(call(with_key("single")), 429, "rate_limit_error",
               "rate_limit_exceeded");
  stream.close();
  EXPECT_TRUE(
      comes_true([] { return call(with_key("single")).status == 200; }));
  // An answer that has come is over, even for the very next request.
  http_client client{port()};
  for (int i = 0; i < 50; ++i) {
    client.request("POST", "/api/v1/echo/call", chat_body("x"),
                   with_key("single"));
    EXPECT_EQ(client.receive().status, 200);
  }
}

TEST_F(guard_test, writes_names_of_keys_to_the_log_and_no_key) {
  call(with_key("alice") + "X-Request-Id: by-alice\r\n");
  call("Authorization: Bearer sk-s3cr3t\r\n");
  fetch(port(), "GET", "/v1/models?api_key=sk-s3cr3t");
  fetch(port(), "POST", "/api/v1/echo/activate?api_key=sk-s3cr3t", {},
        with_key("ops"));
  EXPECT_TRUE(comes_true([] {
    return server_->log().find("/api/v1/echo/activate") != std::string::npos;
  }));
  auto log = server_->log();
  EXPECT_THAT(log, HasSubstr("request_done request_id=by-alice key=alice"));
  EXPECT_THAT(log, HasSubstr("key=ops path=/api/v1/echo/activate"));
  EXPECT_THAT(log, HasSubstr("code=invalid_api_key"));
  EXPECT_THAT(log, Not(HasSubstr("s3cr3t")));
  EXPECT_THAT(log, Not(HasSubstr("sk-")));
}

TEST_F(guard_test, answers_browsers_of_allowed_pages) {
  auto asking = [](std::string_view origin) {
    return fetch(port(), "OPTIONS", "/v1/chat/completions", {},
                 fmt::format("Origin: {}\r\n"
                             "Access-Control-Request-Method: POST\r\n"
                             "Access-Control-Request-Headers: "
                             "authorization,content-type,x-stainless-os\r\n",
                             origin));
  };
  auto preflight = asking("https://friend.example");
  EXPECT_EQ(preflight.status, 200);
  EXPECT_EQ(preflight.header("access-control-allow-origin"),
            "https://friend.example");
  EXPECT_EQ(preflight.header("access-control-allow-headers"),
            "authorization,content-type,x-stainless-os");
  EXPECT_EQ(preflight.header("access-control-allow-credentials"), "");
  EXPECT_EQ(preflight.header("vary"), "origin");
  auto other = asking("https://evil.example");
  EXPECT_EQ(other.status, 405);
  EXPECT_EQ(other.header("access-control-allow-origin"), "");
  // The answers too, and refusals, which a page shows to its user.
  auto from = [](std::string_view origin, std::string_view more) {
    return call(fmt::format("Origin: {}\r\n{}", origin, more));
  };
  auto allowed = from("https://friend.example", with_key("alice"));
  EXPECT_EQ(allowed.status, 200);
  EXPECT_EQ(allowed.header("access-control-allow-origin"),
            "https://friend.example");
  EXPECT_THAT(allowed.header("access-control-expose-headers"),
              HasSubstr("x-request-id"));
  auto keyless = from("https://friend.example", "");
  EXPECT_EQ(keyless.status, 401);
  EXPECT_EQ(keyless.header("access-control-allow-origin"),
            "https://friend.example");
  auto evil = from("https://evil.example", with_key("alice"));
  expect_error(evil, 403, "permission_error", "origin_not_allowed");
  EXPECT_EQ(evil.header("access-control-allow-origin"), "");
}

TEST_F(guard_test, streams_to_a_page_with_all_headers) {
  http_client client{port()};
  client.request("POST", "/api/v1/echo/call",
                 chat_body("hello", ",\"stream\":true"),
                 with_key("alice") + "Origin: https://friend.example\r\n");
  auto head = client.receive_head();
  EXPECT_EQ(head.header("access-control-allow-origin"),
            "https://friend.example");
  EXPECT_EQ(head.header("x-ratelimit-limit-requests"), "600");
  EXPECT_EQ(read_stream(client).text, "hello");
}

// -- other servers ------------------------------------------------------------

TEST(guard_reload_test, takes_up_changed_keys_and_no_bad_ones) {
  scratch_folder folder;
  auto write = [&](std::string_view text) {
    auto file = folder.write("keys.json", text);
    std::filesystem::permissions(file, std::filesystem::perms{0600});
    return file;
  };
  auto of = [](std::string_view name) {
    return fmt::format(R"({{"keys": [{{"name": "{0}", "role": "call",
                           "key": "sk-{0}-0123456789abcdef"}}]}})",
                       name);
  };
  server_process server{
      models, {"echo"}, {"--api-key-file", write(of("first"))}};
  auto status_for = [&](std::string_view name) {
    return fetch(server.port(), "GET", "/v1/models", "",
                 fmt::format("Authorization: Bearer sk-{}-0123456789abcdef\r\n",
                             name))
        .status;
  };
  EXPECT_EQ(status_for("first"), 200);
  write(of("second"));
  server.signal(SIGHUP);
  EXPECT_TRUE(comes_true([&] { return status_for("second") == 200; }));
  EXPECT_EQ(status_for("first"), 401);
  write("{}");
  server.signal(SIGHUP);
  EXPECT_TRUE(comes_true([&] {
    return server.log().find("door_not_reloaded what=keys reason=")
           != std::string::npos;
  }));
  EXPECT_EQ(status_for("second"), 200);
}

TEST(guard_start_test, serves_its_own_machine_alone_without_keys) {
  server_process server{models, {"echo"}};
  auto call_with = [&](std::string_view fields) {
    http_client client{server.port()};
    auto body = chat_body("x");
    client.send(fmt::format("POST /api/v1/echo/call HTTP/1.1\r\n{}"
                            "Content-Length: {}\r\n\r\n{}",
                            fields, body.size(), body));
    return client.receive();
  };
  EXPECT_EQ(call_with("Host: 127.0.0.1\r\n").status, 200);
  EXPECT_EQ(call_with("Host: localhost:9999\r\nAuthorization: Bearer none\r\n")
                .status,
            200);
  EXPECT_EQ(json_value(call_with("Host: evil.example\r\n").body, "code"),
            "host_not_allowed");
  EXPECT_EQ(json_value(call_with("Host: localhost\r\nOrigin: "
                                 "http://evil.example\r\n")
                           .body,
                       "code"),
            "origin_not_allowed");
}

TEST(guard_start_test, takes_a_key_from_the_environment) {
  ::setenv("MODEL_SERVER_API_KEY", "sk-of-the-environment", 1);
  server_process server{models, {"echo"}};
  ::unsetenv("MODEL_SERVER_API_KEY");
  EXPECT_EQ(fetch(server.port(), "GET", "/api/v1/").status, 401);
  auto response = fetch(server.port(), "GET", "/api/v1/", {},
                        "Authorization: Bearer sk-of-the-environment\r\n");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.header("x-ratelimit-limit-requests"), "");
}

TEST(guard_start_test, needs_to_be_told_to_let_others_in_without_a_key) {
  server_process refused{{"--address", "0.0.0.0", "--port", "0"}};
  EXPECT_EQ(refused.wait(), 2);
  EXPECT_THAT(refused.log(), HasSubstr("--allow-no-key"));
  server_process open{
      models, {"echo"}, {"--address", "0.0.0.0", "--allow-no-key"}};
  EXPECT_EQ(fetch(open.port(), "GET", "/api/v1/", {}, "X: y\r\n").status, 200);
  EXPECT_THAT(open.log(), HasSubstr("open_to_all"));
}

TEST(guard_start_test, does_not_start_with_keys_it_cannot_use) {
  scratch_folder folder;
  struct line {
    std::string_view text;
    const char* why;
  };
  for (const auto& [text, why] : {
           line{keys, "chmod 600"}, // as files are written
           line{R"({"keys": []})", "has 0 keys"},
           line{"sk-0123456789abcdef", "is not JSON, line 1"},
       }) {
    auto file = folder.write("keys.json", text);
    server_process server{{"--api-key-file", file, "--port", "0"}};
    EXPECT_EQ(server.wait(), 2);
    auto said = server.log();
    EXPECT_THAT(said, HasSubstr(why));
    EXPECT_EQ(std::ranges::count(said, '\n'), 1) << said;
    EXPECT_THAT(said, Not(HasSubstr("sk-")));
  }
}

TEST(guard_start_test, bounds_the_connections_of_an_address) {
  server_process server{models, {}, {"--connections-per-address", "2"}};
  std::vector<http_client> kept;
  for (int i = 0; i < 2; ++i) {
    kept.emplace_back(server.port());
    kept.back().request("GET", "/health/live");
    EXPECT_EQ(kept.back().receive().status, 200);
  }
  auto refused = fetch(server.port(), "GET", "/health/live");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(json_value(refused.body, "code"), "too_many_connections");
  EXPECT_EQ(refused.header("retry-after"), "1");
  kept.clear();
  EXPECT_TRUE(comes_true([&] {
    return fetch(server.port(), "GET", "/health/live").status == 200;
  }));
}

} // namespace
} // namespace model_server
