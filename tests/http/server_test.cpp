// The server on real sockets with handlers of the test: what becomes of answers
// that are late, dropped, too fast, or never wanted.
#include "http/server.hpp"

#include "support/http_client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <stdexcept>
#include <thread>

namespace model_server {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

http_settings quick_settings() {
  http_settings result;
  result.port = 0;
  result.read_timeout = 2s;
  result.write_timeout = 500ms;
  return result;
}

http_response text(std::string body) {
  http_response result;
  result.content_type = "text/plain";
  result.body = std::move(body);
  return result;
}

/// Keeps the answer of one request for the test.
struct kept_answer {
  std::promise<std::unique_ptr<http_answer>> answer;
  answer_events events;

  request_handler handler() {
    return [this](const http_request&, std::unique_ptr<http_answer> to) {
      to->watch(std::move(events));
      answer.set_value(std::move(to));
    };
  }

  std::unique_ptr<http_answer> get() {
    return answer.get_future().get();
  }
};

TEST(server_test, hands_over_the_request_as_it_came) {
  http_server server{
      quick_settings(),
      [](const http_request& request, std::unique_ptr<http_answer> answer) {
        answer->send(text(std::string{request.method} + " "
                          + std::string{request.target} + " "
                          + std::string{request.body} + " " + request.request_id
                          + (request.can_stream ? "" : " old")));
      }};
  EXPECT_EQ(fetch(server.port(), "POST", "/a%20b?c=d", "body",
                  "X-Request-Id: id-1\r\n")
                .body,
            "POST /a%20b?c=d body id-1");
  auto old = fetch_raw(server.port(), "GET /x HTTP/1.0\r\n\r\n");
  EXPECT_THAT(old.body, HasSubstr(" old"));
}

TEST(server_test, puts_chunks_together) {
  http_server server{quick_settings(), [](const http_request& request,
                                          std::unique_ptr<http_answer> answer) {
                       answer->send(text(std::string{request.body}));
                     }};
  http_client client{server.port()};
  client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
              "3\r\nab");
  client.send("c\r\n2;x=y\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(client.receive().body, "abcde");
  std::string large(3'000'000, 'l');
  client.request("POST", "/", large);
  EXPECT_EQ(client.receive().body, large);
}

TEST(server_test, bounds_the_bodies_of_all_requests_together) {
  auto settings = quick_settings();
  settings.max_all_body_bytes = 100'000;
  std::promise<std::unique_ptr<http_answer>> first;
  std::atomic<int> requests{0};
  http_server server{
      settings, [&](const http_request&, std::unique_ptr<http_answer> answer) {
        if (requests++ == 0)
          first.set_value(std::move(answer));
        else
          answer->send(text("ok"));
      }};
  std::string body(60'000, 'x');
  http_client one{server.port()};
  one.request("POST", "/", body);
  auto answer = first.get_future().get(); // its body is held
  auto refused = fetch(server.port(), "POST", "/", body);
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(json_value(refused.body, "code"), "too_many_body_bytes");
  EXPECT_EQ(refused.header("retry-after"), "1");
  EXPECT_EQ(fetch(server.port(), "POST", "/", "small").status, 200);
  answer->send(text("ok"));
  EXPECT_EQ(one.receive().status, 200);
  // Answered, and so forgotten; also what was refused.
  for (int i = 0; i < 3; ++i) {
    one.request("POST", "/", body);
    EXPECT_EQ(one.receive().status, 200);
  }
}

TEST(server_test, sends_no_body_to_a_head) {
  http_server server{quick_settings(), [](const http_request& request,
                                          std::unique_ptr<http_answer> answer) {
                       answer->send(text(std::string{request.method}));
                     }};
  http_client client{server.port()};
  client.request("HEAD", "/");
  auto head = client.receive_head();
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("content-length"), "4");
  client.request("GET", "/");
  EXPECT_EQ(client.receive().body, "GET");
  // Of what the server refuses by itself neither.
  client.send("HEAD / HTTP/1.1\r\n\r\n");
  auto refused = client.receive_head();
  EXPECT_EQ(refused.status, 400);
  EXPECT_NE(refused.header("content-length"), "0");
  EXPECT_TRUE(client.ends_without_a_byte());
}

TEST(server_test, says_500_when_the_handler_throws) {
  http_server server{quick_settings(),
                     [](const http_request&, std::unique_ptr<http_answer>) {
                       throw std::runtime_error("a secret");
                     }};
  auto response = fetch(server.port(), "GET", "/");
  EXPECT_EQ(response.status, 500);
  EXPECT_THAT(response.body, HasSubstr("internal_error"));
  EXPECT_THAT(response.body, testing::Not(HasSubstr("secret")));
}

TEST(server_test, says_500_when_an_answer_is_dropped) {
  kept_answer kept;
  http_server server{quick_settings(), kept.handler()};
  http_client client{server.port()};
  client.request("GET", "/");
  kept.get().reset();
  EXPECT_EQ(client.receive().status, 500);
  EXPECT_TRUE(client.is_closed_by_server());
}

TEST(server_test, cuts_a_stream_whose_answer_is_dropped) {
  kept_answer kept;
  http_server server{quick_settings(), kept.handler()};
  http_client client{server.port()};
  client.request("GET", "/");
  auto answer = kept.get();
  answer->begin({});
  answer->write("data: x\n\n", 1);
  EXPECT_EQ(client.receive_head().status, 200);
  EXPECT_EQ(client.next_event()->data, "x");
  answer.reset();
  EXPECT_FALSE(client.next_event());
  EXPECT_FALSE(client.has_ended_well());
}

TEST(server_test, tells_that_the_client_left) {
  kept_answer kept;
  std::promise<void> left;
  kept.events.client_left = [&] { left.set_value(); };
  http_server server{quick_settings(), kept.handler()};
  http_client client{server.port()};
  client.request("GET", "/");
  auto answer = kept.get();
  client.close();
  EXPECT_EQ(left.get_future().wait_for(5s), std::future_status::ready);
  answer->send(text("too late"));
}

TEST(server_test, tells_what_the_client_has_taken) {
  kept_answer kept;
  std::atomic<std::uint64_t> taken{0};
  kept.events.taken = [&](std::uint64_t mark) { taken = mark; };
  http_server server{quick_settings(), kept.handler()};
  http_client client{server.port()};
  client.request("GET", "/");
  auto answer = kept.get();
  answer->begin({});
  answer->write("data: a\n\n", 3);
  answer->write("data: b\n\n", 9);
  client.receive_head();
  EXPECT_EQ(client.next_event()->data, "a");
  EXPECT_EQ(client.next_event()->data, "b");
  // The last piece comes after the marks of those before it.
  answer->end("data: c\n\n");
  EXPECT_EQ(client.next_event()->data, "c");
  EXPECT_FALSE(client.next_event());
  EXPECT_TRUE(client.has_ended_well());
  EXPECT_EQ(taken, 9u);
}

TEST(server_test, cuts_off_a_client_that_takes_nothing) {
  kept_answer kept;
  std::promise<void> left;
  kept.events.client_left = [&] { left.set_value(); };
  http_server server{quick_settings(), kept.handler()};
  http_client client{server.port(), 4096};
  client.request("GET", "/");
  auto answer = kept.get();
  answer->begin({});
  answer->write(std::string(8 << 20, 'x'), 1);
  EXPECT_EQ(left.get_future().wait_for(10s), std::future_status::ready);
}

TEST(server_test, gives_no_credit_while_much_is_unsent) {
  auto settings = quick_settings();
  settings.max_unsent_bytes = 100'000;
  settings.write_timeout = 20s;
  kept_answer kept;
  std::atomic<std::uint64_t> taken{0};
  kept.events.taken = [&](std::uint64_t mark) { taken = mark; };
  http_server server{settings, kept.handler()};
  http_client client{server.port(), 4096};
  client.request("GET", "/");
  auto answer = kept.get();
  answer->begin({});
  const std::size_t size = 2 << 20;
  answer->write("data: " + std::string(size, 'x') + "\n\n", 1);
  answer->write("data: " + std::string(size, 'y') + "\n\n", 2);
  client.receive_head();
  EXPECT_EQ(client.next_event()->data.size(), size);
  EXPECT_EQ(taken, 0u); // the second piece is on its way
  EXPECT_EQ(client.next_event()->data.size(), size);
  answer->end("data: end\n\n");
  EXPECT_EQ(client.next_event()->data, "end");
  EXPECT_EQ(taken, 2u);
}

TEST(server_test, serves_on_several_threads) {
  auto settings = quick_settings();
  settings.threads = 3;
  http_server server{
      settings,
      [](const http_request& request, std::unique_ptr<http_answer> answer) {
        // From a thread that is none of the server's.
        std::thread{[to = std::move(answer),
                     body = std::string{request.body}]() mutable {
          to->send(text(std::move(body)));
        }}.detach();
      }};
  std::vector<std::thread> clients;
  std::atomic<int> good{0};
  for (int i = 0; i < 8; ++i)
    clients.emplace_back([&, i] {
      http_client client{server.port()};
      for (int round = 0; round < 50; ++round) {
        auto body = std::to_string(i) + "/" + std::to_string(round);
        client.request("POST", "/", body);
        good += client.receive().body == body;
      }
    });
  for (auto& client : clients)
    client.join();
  EXPECT_EQ(good, 400);
}

TEST(server_test,
     drains_idle_connections_at_once_and_others_after_their_answer) {
  kept_answer kept;
  http_server server{quick_settings(), kept.handler()};
  http_client idle{server.port()};
  http_client busy{server.port()};
  busy.request("GET", "/");
  auto answer = kept.get();
  server.drain();
  EXPECT_TRUE(idle.is_closed_by_server());
  EXPECT_FALSE(server.wait_until_closed(50ms));
  answer->send(text("done"));
  auto response = busy.receive();
  EXPECT_EQ(response.body, "done");
  EXPECT_EQ(response.header("connection"), "close");
  EXPECT_TRUE(server.wait_until_closed(5s));
}

TEST(server_test, outlives_answers_that_come_after_it) {
  kept_answer kept;
  auto server = std::make_unique<http_server>(quick_settings(), kept.handler());
  http_client client{server->port()};
  client.request("GET", "/");
  auto answer = kept.get();
  server.reset();
  EXPECT_EQ(client.receive().status, 0);
  answer->begin({});
  answer->write("x", 1);
  answer.reset();
}

TEST(server_test, names_the_address_it_cannot_use) {
  http_server other{quick_settings(), kept_answer{}.handler()};
  auto settings = quick_settings();
  settings.port = other.port();
  try {
    http_server server{settings, kept_answer{}.handler()};
    FAIL() << "listens twice";
  } catch (const config_error&) {
    FAIL() << "another try could do";
  } catch (const std::runtime_error& e) {
    EXPECT_THAT(e.what(), HasSubstr(std::to_string(settings.port)));
  }
  settings.address = "nowhere";
  EXPECT_THROW((http_server{settings, kept_answer{}.handler()}), config_error);
}

} // namespace
} // namespace model_server
