// A second process takes the port over from the first, under load.
#include "support/chats.hpp"
#include "support/worker_processes.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <atomic>
#include <csignal>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace model_server {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr auto models = R"({
  "fault": {"name": "fault", "params": {"enable": true}},
  "spare": {"name": "fault", "params": {"enable": true}},
  "slow": {"name": "fault", "params": {"enable": true, "load_sleep_ms": 60000}}
})";

/// The number that follows `key=` in the last line of this event; 0 if there is
/// none.
pid_t number_in_log(const server_process& server, std::string_view event,
                    std::string_view key) {
  auto log = server.log();
  auto at = log.rfind(event);
  if (at == log.npos)
    return 0;
  at = log.find(fmt::format("{}=", key), at);
  return at == log.npos ? 0 : std::stoi(log.substr(at + key.size() + 1));
}

/// Clients that chat without a pause, each reply on a new connection or on the
/// one before, as long as the server leaves it open.
class crowd {
public:
  crowd(std::uint16_t port, int size) : port_(port) {
    for (int i = 0; i < size; ++i)
      threads_.emplace_back([this, i] { chat(i); });
  }

  ~crowd() {
    is_over_ = true;
    for (auto& thread : threads_)
      thread.join();
    EXPECT_EQ(failure_, "");
  }

  int replies() const {
    return replies_;
  }

private:
  void chat(int number) {
    auto keeps = number % 2 == 0;
    std::unique_ptr<http_client> client;
    auto seed = static_cast<std::uint64_t>(number * 100'000);
    try {
      while (!is_over_) {
        if (!client)
          client = std::make_unique<http_client>(port_);
        client->request(
            "POST", "/api/v1/fault/call",
            chat_body("len=30 sleep_ms=5",
                      fmt::format(",\"seed\":{},\"stream\":true", ++seed)));
        auto head = client->receive_head();
        auto reply = read_stream(*client);
        if (head.status != 200 || !reply.is_done || !reply.has_ended_well
            || reply.text != expected_reply(seed, 30))
          throw std::runtime_error(
              fmt::format("client {}, reply {}: status {}, \"{}\"", number,
                          seed, head.status, reply.text));
        ++replies_;
        client->expect_next_response();
        if (!keeps || head.header("connection") == "close")
          client.reset();
      }
    } catch (const std::exception& e) {
      std::lock_guard lock{mutex_};
      failure_ = e.what();
    }
  }

  std::uint16_t port_;
  std::atomic<bool> is_over_{false};
  std::atomic<int> replies_{0};
  std::mutex mutex_;
  std::string failure_;
  std::vector<std::thread> threads_;
};

/// What outlives its parent becomes ours, so that it ends with the test.
class succession_test : public testing::Test {
protected:
  succession_test() {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  }

  ~succession_test() override {
    first_.reset();
    for (auto id : successors_) {
      ::kill(id, SIGKILL);
      ::waitpid(id, nullptr, 0);
    }
    ::prctl(PR_SET_CHILD_SUBREAPER, 0);
  }

  void start(const std::vector<std::string>& started,
             const std::vector<std::string>& options = {}) {
    first_ = std::make_unique<server_process>(models, started, options);
  }

  /// Asks for a successor and waits until it has been started.
  pid_t ask_for_successor() {
    auto before = number_in_log(*first_, "successor_started", "process");
    first_->signal(SIGUSR2);
    pid_t id = 0;
    EXPECT_TRUE(comes_true([&] {
      id = number_in_log(*first_, "successor_started", "process");
      return id != before;
    })) << first_->log();
    successors_.push_back(id);
    return id;
  }

  bool has_logged(std::string_view event) const {
    return first_->log().find(event) != std::string::npos;
  }

  std::unique_ptr<server_process> first_;
  std::vector<pid_t> successors_;
};

TEST_F(succession_test, takes_over_under_load_without_a_broken_reply) {
  start({"fault"});
  auto port = first_->port();
  // It is under way when the successor serves, and is finished all the same.
  http_client early{port};
  early.request(
      "POST", "/api/v1/fault/call",
      chat_body("len=800 sleep_ms=10", ",\"seed\":7,\"stream\":true"));
  EXPECT_EQ(early.receive_head().status, 200);
  {
    crowd clients{port, 6};
    EXPECT_TRUE(comes_true([&] { return clients.replies() > 20; }));
    ask_for_successor();
    EXPECT_TRUE(comes_true([&] { return has_logged("succeeded"); }))
        << first_->log();
    auto reply = read_stream(early);
    EXPECT_EQ(reply.text, expected_reply(7, 800));
    EXPECT_TRUE(reply.is_done);
    EXPECT_EQ(first_->wait(), 0);
    auto then = clients.replies();
    EXPECT_TRUE(comes_true([&] { return clients.replies() > then + 20; }));
  }
  EXPECT_EQ(fetch(port, "GET", "/health/ready").status, 200);
  EXPECT_THAT(first_->log(), Not(HasSubstr("replies_cut_off")));
}

TEST_F(succession_test, goes_on_when_the_successor_cannot_start) {
  start({"fault"});
  first_->folder().write("config.json", "{ not json");
  first_->signal(SIGUSR2);
  EXPECT_TRUE(comes_true([&] { return has_logged("succession_failed"); }));
  auto answer = fetch(first_->port(), "POST", "/api/v1/fault/call",
                      chat_body("len=3", ",\"seed\":1"));
  EXPECT_EQ(content_of(answer.body), expected_reply(1, 3));
  first_->folder().write("config.json", models);
  ask_for_successor();
  EXPECT_EQ(first_->wait(), 0);
  EXPECT_EQ(fetch(first_->port(), "GET", "/health/ready").status, 200);
}

TEST_F(succession_test, has_the_devices_that_the_first_one_had_in_the_end) {
  start({"fault"}, {"--virtual-devices", "2"});
  auto port = first_->port();
  auto post = [&](std::string_view target, std::string_view device) {
    EXPECT_EQ(fetch(port, "POST", fmt::format("/api/v1/{}", target),
                    fmt::format("{{\"device\":\"{}\"}}", device))
                  .status,
              200);
  };
  post("spare/add", "virtual:0");
  post("fault/add", "virtual:1");
  post("fault/remove", "cpu");
  auto id = ask_for_successor();
  EXPECT_EQ(first_->wait(), 0);
  EXPECT_EQ(worker_on(id, "spare", "virtual:0").model, "spare");
  EXPECT_EQ(worker_on(id, "fault", "virtual:1").model, "fault");
  EXPECT_EQ(entities_of(port, "fault").size(), 1u);
  EXPECT_EQ(entities_of(port, "spare").size(), 1u);
}

TEST_F(succession_test, ends_a_successor_that_does_not_serve_yet) {
  start({"fault"});
  // Added without waiting, it is loading when the successor begins with it.
  EXPECT_EQ(fetch(first_->port(), "POST", "/api/v1/slow/add",
                  R"({"device":"cpu","wait":false})")
                .status,
            202);
  auto id = ask_for_successor();
  first_->signal(SIGTERM);
  EXPECT_EQ(first_->wait(), 0);
  EXPECT_TRUE(comes_true([&] { return ::kill(id, 0) != 0; }));
  EXPECT_THROW(http_client{first_->port()}, std::exception);
}

TEST_F(succession_test, takes_the_nodes_over_when_the_first_one_has_ended) {
  auto probe = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof any;
  ASSERT_EQ(::bind(probe, reinterpret_cast<sockaddr*>(&any), size), 0);
  ::getsockname(probe, reinterpret_cast<sockaddr*>(&any), &size);
  ::close(probe);
  auto address = fmt::format("127.0.0.1:{}", ntohs(any.sin_port));
  start({"fault"}, {"--cluster-listen", address});
  server_process node{{"--config", first_->folder().path("config.json"),
                       "--join", address, "--node-name", "node-b"}};
  auto port = first_->port();
  EXPECT_TRUE(comes_true([&] { return has_logged("node_joined"); }));
  EXPECT_EQ(
      fetch(port, "POST", "/api/v1/fault/add", R"({"device":"node-b/cpu"})")
          .status,
      200);
  ask_for_successor();
  EXPECT_EQ(first_->wait(), 0);
  EXPECT_TRUE(comes_true([&] {
    for (const auto& entity : entities_of(port, "fault"))
      if (json_value(entity, "node") == "node-b"
          && json_value(entity, "state") == "ready")
        return true;
    return false;
  }));
}

} // namespace
} // namespace model_server
