// The server over TLS, with handlers of the test: the same guarantees as in the
// clear, and what becomes of clients that cannot speak it.
#include "http/server.hpp"

#include "support/http_client.hpp"
#include "support/test_certificates.hpp"
#include "tests/models/temporary_folder.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <future>
#include <thread>

namespace model_server {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

http_response text(std::string body) {
  http_response result;
  result.content_type = "text/plain";
  result.body = std::move(body);
  return result;
}

void echo(const http_request& request, std::unique_ptr<http_answer> answer) {
  answer->send(text(std::string{request.body}));
}

/// Events of an answer whose client leaves.
answer_events tells(std::promise<void>& left) {
  answer_events result;
  result.client_left = [&] { left.set_value(); };
  return result;
}

struct server_tls_test : ::testing::Test {
  server_tls_test() {
    std::signal(SIGPIPE, SIG_IGN);
    settings.port = 0;
    settings.read_timeout = 2s;
    settings.write_timeout = 500ms;
    settings.tls_certificate = files.certificate();
    settings.tls_key = files.key();
  }

  std::string error_of_start() const {
    return testing::error_of([&] { http_server{settings, echo}; });
  }

  http_client connect(const http_server& server) const {
    return http_client{server.port(), files.authority()};
  }

  testing::temporary_folder folder;
  test_certificates files{folder.path()};
  http_settings settings;
};

TEST_F(server_tls_test, takes_large_requests_and_gives_large_answers) {
  http_server server{settings, echo};
  auto client = connect(server);
  EXPECT_EQ(client.tls_version(), "TLSv1.3");
  for (std::size_t size : {0u, 1u, 16'383u, 16'384u, 16'385u, 3'000'000u}) {
    std::string body(size, 'b');
    client.request("POST", "/", body);
    EXPECT_EQ(client.receive().body, body);
  }
}

TEST_F(server_tls_test, streams_and_tells_what_was_taken) {
  std::promise<std::unique_ptr<http_answer>> given;
  std::atomic<std::uint64_t> taken{0};
  http_server server{
      settings, [&](const http_request&, std::unique_ptr<http_answer> answer) {
        answer_events events;
        events.taken = [&](std::uint64_t mark) { taken = mark; };
        answer->watch(std::move(events));
        given.set_value(std::move(answer));
      }};
  auto client = connect(server);
  client.request("GET", "/");
  auto answer = given.get_future().get();
  answer->begin({});
  answer->write("data: a\n\n", 3);
  client.receive_head();
  EXPECT_EQ(client.next_event()->data, "a");
  answer->write("data: " + std::string(1 << 20, 'b') + "\n\n", 9);
  EXPECT_EQ(client.next_event()->data.size(), 1u << 20);
  answer->end("data: c\n\n");
  EXPECT_EQ(client.next_event()->data, "c");
  EXPECT_FALSE(client.next_event());
  EXPECT_TRUE(client.has_ended_well());
  EXPECT_EQ(taken, 9u);
}

TEST_F(server_tls_test, sees_that_a_client_leaves) {
  for (auto leave :
       {&http_client::close, &http_client::reset, &http_client::shut_sending}) {
    std::promise<void> left;
    std::promise<std::unique_ptr<http_answer>> given;
    http_server server{
        settings, [&](const http_request&, std::unique_ptr<http_answer> to) {
          to->watch(tells(left));
          given.set_value(std::move(to));
        }};
    auto client = connect(server);
    client.request("GET", "/");
    auto answer = given.get_future().get();
    (client.*leave)();
    EXPECT_EQ(left.get_future().wait_for(5s), std::future_status::ready);
  }
}

TEST_F(server_tls_test, cuts_off_a_client_that_takes_nothing) {
  std::promise<void> left;
  http_server server{settings,
                     [&](const http_request&, std::unique_ptr<http_answer> to) {
                       to->watch(tells(left));
                       to->begin({});
                       to->write(std::string(32 << 20, 'x'), 1);
                     }};
  auto client = connect(server);
  client.request("GET", "/");
  EXPECT_EQ(left.get_future().wait_for(10s), std::future_status::ready);
}

TEST_F(server_tls_test, says_why_it_refuses) {
  http_server server{settings, echo};
  struct line {
    std::string_view bytes;
    int status;
  };
  for (const auto& [bytes, status] : {
           line{"GET / HTTP/1.1\r\n\r\n", 400},
           line{"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
           line{
               "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n",
               413},
           line{"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: a\r\n"
                "Authorization: b\r\n\r\n",
                400},
           line{"GET / HT", 408},
       }) {
    auto client = connect(server);
    client.send(bytes);
    auto response = client.receive();
    EXPECT_EQ(response.status, status) << bytes;
    EXPECT_TRUE(response.is_complete);
    EXPECT_TRUE(client.is_closed_by_server());
  }
}

TEST_F(server_tls_test, says_500_when_an_answer_is_dropped) {
  http_server server{settings,
                     [](const http_request&, std::unique_ptr<http_answer>) {}};
  auto client = connect(server);
  client.request("GET", "/");
  EXPECT_EQ(client.receive().status, 500);
}

TEST_F(server_tls_test, tells_whoever_speaks_in_the_clear) {
  http_server server{settings, echo};
  auto response = fetch(server.port(), "GET", "/");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(json_value(response.body, "code"), "tls_needed");
  EXPECT_THAT(response.body, HasSubstr("https://"));
}

TEST_F(server_tls_test, closes_on_garbage_and_serves_the_next) {
  http_server server{settings, echo};
  for (std::string_view bytes :
       {std::string_view{"\x16\x03\x01\x40\x01",
                         5}, // a record that is too long
        std::string_view{"\x16\x03\x01\x00\x04\x02\x00\x00\x00", 9},
        std::string_view{"\x80\x2e\x01\x00\x02", 5},
        std::string_view{"\xff\xff\xff\xff\xff\xff\xff", 7},
        std::string_view{"\0\0\0\0\0\0\0\0", 8}}) {
    http_client client{server.port()};
    client.send(bytes);
    while (!client.is_closed_by_server())
      continue; // an alert comes first, or not
  }
  EXPECT_EQ(fetch_tls(server.port(), files.authority(), "POST", "/", "x").body,
            "x");
}

TEST_F(server_tls_test, gives_a_handshake_the_time_of_a_request) {
  settings.read_timeout = 300ms;
  http_server server{settings, echo};
  http_client silent{server.port()};
  http_client slow{server.port()};
  slow.send(std::string_view{"\x16\x03\x01\x02", 4});
  auto begun = std::chrono::steady_clock::now();
  EXPECT_TRUE(silent.is_closed_by_server());
  EXPECT_TRUE(slow.is_closed_by_server());
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 3s);
}

TEST_F(server_tls_test, bounds_connections_and_says_so_after_the_handshake) {
  settings.max_connections = 3;
  http_server server{settings, echo};
  std::vector<http_client> kept;
  for (int i = 0; i < 3; ++i) {
    kept.push_back(connect(server));
    kept.back().request("POST", "/", "x");
    EXPECT_EQ(kept.back().receive().status, 200);
  }
  auto refused = fetch_tls(server.port(), files.authority(), "POST", "/", "x");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(json_value(refused.body, "code"), "too_many_connections");
  // Handshakes that never come count too.
  std::vector<http_client> silent;
  for (int i = 0; i < 100; ++i)
    silent.emplace_back(server.port());
  EXPECT_TRUE(silent.back().is_closed_by_server());
}

TEST_F(server_tls_test, speaks_no_version_before_1_2) {
  http_server server{settings, echo};
  auto status_of = [&](std::string_view version) {
    auto command = fmt::format("openssl s_client -connect 127.0.0.1:{} "
                               "-CAfile {} -cipher ALL:@SECLEVEL=0 -{} "
                               "</dev/null >/dev/null 2>&1",
                               server.port(), files.authority(), version);
    return std::system(command.c_str());
  };
  EXPECT_EQ(status_of("tls1_2"), 0);
  EXPECT_NE(status_of("tls1_1"), 0);
  EXPECT_NE(status_of("tls1"), 0);
}

TEST_F(server_tls_test, takes_up_a_new_certificate) {
  http_server server{settings, echo};
  auto before = connect(server);
  EXPECT_EQ(before.certificate_number(), 1);
  files.renew(2);
  EXPECT_EQ(connect(server).certificate_number(), 1);
  server.reload_certificate();
  EXPECT_EQ(connect(server).certificate_number(), 2);
  before.request("POST", "/", "still there");
  EXPECT_EQ(before.receive().body, "still there");
  // What cannot be used changes nothing.
  std::ofstream{files.certificate()} << "no certificate\n";
  EXPECT_THROW(server.reload_certificate(), config_error);
  EXPECT_EQ(connect(server).certificate_number(), 2);
}

TEST_F(server_tls_test, names_the_file_it_cannot_use) {
  settings.tls_certificate = "/none.pem";
  EXPECT_EQ(error_of_start(), "--tls-cert \"/none.pem\" cannot be used: No "
                              "such file or directory");
  settings.tls_certificate = files.key();
  EXPECT_THAT(error_of_start(), HasSubstr("--tls-cert"));
  settings.tls_certificate = files.certificate();
  settings.tls_key = files.certificate();
  EXPECT_THAT(error_of_start(), HasSubstr("--tls-key"));
  settings.tls_key = (folder.path() / "ca.key").string();
  EXPECT_THAT(error_of_start(), HasSubstr("key values mismatch"));
  auto locked = folder.path() / "locked.key";
  auto command = fmt::format("openssl pkey -in {} -aes256 -passout pass:word "
                             "-out {} 2>/dev/null",
                             files.key(), locked.string());
  ASSERT_EQ(std::system(command.c_str()), 0);
  settings.tls_key = locked.string();
  EXPECT_THAT(error_of_start(), HasSubstr("--tls-key"));
}

TEST_F(server_tls_test, serves_many_at_once_on_several_threads) {
  settings.threads = 3;
  http_server server{settings, echo};
  std::vector<std::thread> clients;
  std::atomic<int> good{0};
  for (int i = 0; i < 8; ++i)
    clients.emplace_back([&, i] {
      auto client = connect(server);
      for (int round = 0; round < 20; ++round) {
        auto body = std::string(1 + 5000u * round, static_cast<char>('a' + i));
        client.request("POST", "/", body);
        good += client.receive().body == body;
      }
    });
  for (auto& client : clients)
    client.join();
  EXPECT_EQ(good, 160);
}

TEST_F(server_tls_test, says_goodbye_in_good_order) {
  http_server server{settings, echo};
  auto idle = connect(server);
  idle.request("POST", "/", "x");
  EXPECT_EQ(idle.receive().status, 200);
  server.drain();
  EXPECT_TRUE(idle.is_closed_by_server());
  EXPECT_TRUE(idle.has_been_told_goodbye());
  EXPECT_TRUE(server.wait_until_closed(5s));
}

} // namespace
} // namespace model_server
