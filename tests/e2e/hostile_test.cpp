// What hostile or broken clients send, and that a chat beside them doesn't
// notice.
#include "hostile_fixture.hpp"

#include <fmt/format.h>

#include <sys/resource.h>

#include <chrono>

namespace model_server {
namespace {

using hostile_test = hostile_fixture;

TEST_F(hostile_test, refuses_malformed_http_with_a_reason) {
  struct line {
    std::string bytes;
    int status;
  };
  auto request = [](std::string_view fields, std::string_view body = {}) {
    return fmt::format("POST /api/v1/echo/call HTTP/1.1\r\nHost: localhost\r\n"
                       "{}\r\n{}",
                       fields, body);
  };
  const line table[] = {
      {std::string("\x16\x03\x01\x02\x00\x01\x00\x01", 8), 400},
      {"\x80\x81\x82 random", 400},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"GET / HTTP/1.9\r\nHost: a\r\n\r\n", 505},
      {"GET /\r\n", 400},
      {"GET /health/live HTTP/1.0\r\n\r\n", 200},
      {"GET /health/live HTTP/1.1\r\n\r\n", 400},
      {"GET /health/live HTTP/1.1\r\nHost : a\r\n\r\n", 400},
      {"GET /health/live HTTP/1.1\nHost: a\n\n", 400},
      {"FOO / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"TRACE /health HTTP/1.1\r\nHost: a\r\n\r\n", 405},
      {"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 405},
      {"GET http://other/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET http://a/health/live HTTP/1.1\r\nHost: a\r\n\r\n", 200},
      {"GET /h\xC3\xA9 HTTP/1.1\r\nHost: a\r\n\r\n", 404},
      {"GET /../health HTTP/1.1\r\nHost: a\r\n\r\n", 404},
      {"POST /api/v1/%zz/call HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {request("Host: b\r\n"), 400},
      {request("X: a\r\n b\r\n"), 400},
      {request(std::string("X: a\0b\r\n", 8)), 400},
      {request("Content-Length: -1\r\n"), 400},
      {request("Content-Length: 5\r\nContent-Length: 5\r\n"), 400},
      {request("Content-Length: 18446744073709551616\r\n"), 413},
      {request("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400},
      {request("Transfer-Encoding: gzip, chunked\r\n"), 400},
      {request("Transfer-Encoding: chunked\r\n", "zz\r\n"), 400},
      {request("Transfer-Encoding: chunked\r\n",
               "2\r\n{}\r\n0\r\nX: y\r\n\r\n"),
       400},
      {request("Transfer-Encoding: chunked\r\n", "2;a\nb\r\n{}\r\n0\r\n\r\n"),
       400},
      {request("Expect: other\r\n"), 417},
      {request("Content-Encoding: gzip\r\n"), 415},
      {request("Connection: Upgrade\r\nUpgrade: h2c\r\n"), 400}, // no messages
  };
  for (const auto& [bytes, status] : table) {
    auto sent = std::chrono::steady_clock::now();
    auto response = fetch_raw(port(), bytes);
    EXPECT_EQ(response.status, status) << bytes;
    // Not only when the time for the request is up.
    EXPECT_LT(std::chrono::steady_clock::now() - sent,
              std::chrono::milliseconds{700})
        << bytes;
    EXPECT_TRUE(response.is_complete) << bytes;
  }
}

TEST_F(hostile_test, never_reads_what_follows_a_refused_request) {
  http_client client{port()};
  client.send("POST /health HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"
              "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
              "GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n");
  auto response = client.receive();
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.header("connection"), "close");
  EXPECT_TRUE(client.is_closed_by_server());
}

TEST_F(hostile_test, tells_a_waiting_client_to_go_on) {
  http_client client{port()};
  auto body = chat_body("x");
  client.send(fmt::format("POST /api/v1/echo/call HTTP/1.1\r\n"
                          "Host: localhost\r\n"
                          "Expect: 100-continue\r\nContent-Length: {}\r\n\r\n",
                          body.size()));
  EXPECT_EQ(client.receive_interim(), 100);
  client.send(body);
  EXPECT_EQ(client.receive().status, 200);
}

TEST_F(hostile_test, refuses_100_megabytes_and_says_so) {
  http_client client{port()};
  client.send("POST /api/v1/echo/call HTTP/1.1\r\nHost: a\r\n"
              "Content-Length: 104857600\r\n\r\n");
  std::string megabyte(1 << 20, 'x');
  for (int i = 0; i < 100; ++i)
    if (!client.send(megabyte))
      break;
  EXPECT_EQ(client.receive().status, 413);
}

TEST_F(hostile_test, refuses_100_megabytes_in_chunks) {
  http_client client{port()};
  client.send("POST /api/v1/echo/call HTTP/1.1\r\nHost: a\r\n"
              "Transfer-Encoding: chunked\r\n\r\n");
  auto chunk = "100000\r\n" + std::string(1 << 20, 'x') + "\r\n";
  for (int i = 0; i < 100; ++i)
    if (!client.send(chunk))
      break;
  EXPECT_EQ(client.receive().status, 413);
}

TEST_F(hostile_test, refuses_ten_thousand_levels) {
  auto deep = [](std::size_t levels) {
    return "{\"messages\":" + std::string(levels, '[')
           + std::string(levels, ']') + "}";
  };
  auto response = fetch(port(), "POST", "/api/v1/echo/call", deep(10'000));
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(json_value(response.body, "code"), "too_deep");
  EXPECT_EQ(fetch(port(), "POST", "/api/v1/echo/call", deep(2'000'000)).status,
            400);
}

TEST_F(hostile_test, refuses_invalid_utf8) {
  for (auto text : {"\xFF", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80"}) {
    auto response = fetch(port(), "POST", "/api/v1/echo/call", chat_body(text));
    EXPECT_EQ(response.status, 400);
    EXPECT_EQ(json_value(response.body, "code"), "invalid_utf8");
  }
}

TEST_F(hostile_test, takes_a_prompt_of_100_kilobytes) {
  auto prompt = std::string(100'000, 'p');
  auto response = fetch(port(), "POST", "/api/v1/echo/call",
                        chat_body(prompt, ",\"max_tokens\":5"));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(content_of(response.body), "ppppp");
  EXPECT_EQ(json_value(response.body, "prompt_tokens"), "100001");
}

TEST_F(hostile_test, serves_beside_500_idle_connections) {
  std::vector<http_client> idle;
  for (int i = 0; i < 500; ++i)
    idle.emplace_back(port());
  EXPECT_TRUE(comes_true([] { return open_descriptors() > 500; }));
  EXPECT_EQ(fetch(port(), "POST", "/api/v1/echo/call", chat_body("x")).status,
            200);
  // Those that have said nothing are closed without a word.
  for (auto& client : idle)
    EXPECT_TRUE(client.is_closed_by_server());
  EXPECT_TRUE(comes_true([] { return open_descriptors() < 100; }));
}

TEST_F(hostile_test, answers_408_to_many_slow_heads_at_once) {
  std::vector<http_client> slow;
  for (int i = 0; i < 100; ++i) {
    slow.emplace_back(port());
    slow.back().send("GET /health/live HT");
  }
  for (auto& client : slow)
    EXPECT_EQ(client.receive().status, 408);
}

TEST_F(hostile_test, cuts_off_a_reader_that_takes_nothing) {
  http_client client{port(), 4096};
  // Far more than the buffers of both kernels hold.
  client.request("POST", "/api/v1/fault/call",
                 chat_body("len=30000 burst=50", ",\"stream\":true"));
  ASSERT_TRUE(comes_to(port(), "fault", 1, 0));
  // It runs ahead of the client by its credit and stops there, then the
  // client is cut off, which frees the place.
  EXPECT_TRUE(comes_to(port(), "fault", 0, 0));
  EXPECT_THAT(server_->log(), testing::HasSubstr("client_left"));
  client.receive_head();
  EXPECT_FALSE(read_stream(client).is_done);
}

TEST_F(hostile_test, serves_a_slow_reader_to_the_end) {
  http_client client{port(), 4096};
  client.request("POST", "/api/v1/fault/call",
                 chat_body("len=2000 burst=50", ",\"seed\":5,\"stream\":true"));
  EXPECT_EQ(client.receive_head().status, 200);
  auto reply = read_stream(client);
  EXPECT_EQ(reply.text, expected_reply(5, 2000));
  EXPECT_TRUE(reply.is_done);
}

TEST_F(hostile_test, pings_a_stream_that_is_silent) {
  http_client client{port()};
  client.request("POST", "/api/v1/fault/call",
                 chat_body("len=2 sleep_ms=400@2", ",\"stream\":true"));
  EXPECT_EQ(client.receive_head().status, 200);
  int pings = 0;
  while (auto event = client.next_event())
    pings += event->comment == "ping";
  EXPECT_GE(pings, 2);
}

TEST_F(hostile_test, gets_over_having_no_descriptors) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer needs descriptors to look at pointers, and "
                  "takes their lack for an error of ours";
#endif
  // Descriptors come in order, so a limit of what is open lets nothing in.
  rlimit before{};
  ASSERT_EQ(prlimit(server_->id(), RLIMIT_NOFILE, nullptr, &before), 0);
  rlimit none{open_descriptors(), before.rlim_max};
  ASSERT_EQ(prlimit(server_->id(), RLIMIT_NOFILE, &none, nullptr), 0);
  std::vector<http_client> refused;
  for (int i = 0; i < 20; ++i) {
    refused.emplace_back(port());
    refused.back().request("GET", "/health/live");
  }
  int told = 0;
  for (auto& client : refused)
    told += client.receive().status == 503;
  EXPECT_GT(told, 0);
  ASSERT_EQ(prlimit(server_->id(), RLIMIT_NOFILE, &before, nullptr), 0);
  refused.clear();
  EXPECT_TRUE(comes_true(
      [] { return fetch(port(), "GET", "/health/live").status == 200; }));
}

} // namespace
} // namespace model_server
