// Two machines, played by processes of this one, and the network between them.
#include "support/chats.hpp"
#include "support/tcp_proxy.hpp"
#include "support/worker_processes.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace model_server {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

constexpr auto models = R"({
  "fault": {"name": "fault", "params": {"enable": true}}
})";

constexpr auto heartbeat_timeout = 1s;

std::vector<std::string> operator+(std::vector<std::string> a,
                                   const std::vector<std::string>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

class cluster_test : public testing::Test {
protected:
  ~cluster_test() override {
    // Those that are frozen do not see the end of their parent.
    if (node_)
      signal_machine(SIGCONT);
  }

  void start_front(const std::vector<std::string>& options = {},
                   const std::string& address = "127.0.0.1:0") {
    front_ = std::make_unique<server_process>(
        models, std::vector<std::string>{"fault"},
        std::vector<std::string>{"--cluster-listen", address} + timing_
            + options);
    std::string port;
    ASSERT_TRUE(comes_true([&] {
      port = word_behind(front_->log(), "cluster_listening", "port=");
      return !port.empty();
    }));
    cluster_port_ = static_cast<std::uint16_t>(std::stoul(port));
  }

  void start_node(const std::vector<std::string>& options = {},
                  const std::string& name = "node-b") {
    auto port = network_ ? network_->port() : cluster_port_;
    node_ = std::make_unique<server_process>(
        std::vector<std::string>{"--config", folder_.write("node.json", models),
                                 "--join", fmt::format("127.0.0.1:{}", port),
                                 "--node-name", name}
        + timing_ + options);
  }

  void expect_joined(int times = 1) {
    EXPECT_TRUE(comes_true([&] {
      auto log = front_->log();
      auto count = 0;
      for (auto at = log.find("node_joined"); at != log.npos;
           at = log.find("node_joined", at + 1))
        ++count;
      return count == times;
    })) << front_->log();
  }

  // The replies run on the other machine, and this one stands by.
  void serve_on_node() {
    EXPECT_EQ(post("/api/v1/fault/remove", R"({"device":"cpu"})").status, 200);
    EXPECT_EQ(post("/api/v1/fault/add", R"({"device":"node-b/cpu"})").status,
              200);
  }

  // A stream from the other machine that has begun, while this one is ready.
  std::unique_ptr<http_client> stream(std::uint64_t seed, std::size_t length) {
    auto result = std::make_unique<http_client>(front_->port());
    result->request(
        "POST", "/api/v1/fault/call",
        chat_body(fmt::format("len={} sleep_ms=20", length),
                  fmt::format(R"(,"seed":{},"stream":true)", seed)));
    EXPECT_EQ(result->receive_head().status, 200);
    EXPECT_EQ(post("/api/v1/fault/add", R"({"device":"cpu"})").status, 200);
    return result;
  }

  void expect_whole(http_client& client, std::uint64_t seed,
                    std::size_t length) {
    auto reply = read_stream(client);
    EXPECT_EQ(reply.text, expected_reply(seed, length));
    EXPECT_TRUE(reply.is_done);
  }

  client_response post(std::string_view target, std::string_view body) {
    return fetch(front_->port(), "POST", target, body);
  }

  // To the node and all of its workers, as if the machine itself got it.
  void signal_machine(int which) {
    for (const auto& worker : worker_processes(node_->id()))
      ::kill(worker.id, which);
    node_->signal(which);
  }

  static std::string word_behind(const std::string& log, std::string_view line,
                                 std::string_view key) {
    auto at = log.find(line);
    if (at != log.npos)
      at = log.find(key, at);
    if (at == log.npos)
      return {};
    auto begin = at + key.size();
    return log.substr(begin, log.find_first_of(" \n", begin) - begin);
  }

  std::vector<std::string> timing_{
      "--heartbeat-interval", "100ms", "--heartbeat-timeout", "1s",
      "--restart-pause",      "10ms",  "--virtual-devices",   "1"};
  scratch_folder folder_;
  std::unique_ptr<server_process> front_;
  std::uint16_t cluster_port_ = 0;
  std::unique_ptr<tcp_proxy> network_;
  std::unique_ptr<server_process> node_;
};

TEST_F(cluster_test, serves_from_a_machine_that_joined) {
  start_front();
  start_node();
  expect_joined();
  serve_on_node();
  auto answer = post("/api/v1/fault/call", chat_body("len=5", R"(,"seed":3)"));
  EXPECT_EQ(content_of(answer.body), expected_reply(3, 5));
  EXPECT_EQ(json_value(answer.body, "device"), "node-b/cpu");
  EXPECT_THAT(fetch(front_->port(), "GET", "/api/v1/").body,
              HasSubstr(R"("device":"cpu","node":"node-b","state":"ready")"));
}

TEST_F(cluster_test, a_machine_that_dies_loses_no_reply) {
  start_front();
  start_node();
  expect_joined();
  serve_on_node();
  auto client = stream(4, 150);
  signal_machine(SIGKILL);
  expect_whole(*client, 4, 150);
}

TEST_F(cluster_test, a_frozen_machine_is_noticed_and_comes_back_once) {
  start_front();
  start_node();
  expect_joined();
  serve_on_node();
  auto client = stream(5, 150);
  signal_machine(SIGSTOP);
  auto frozen = std::chrono::steady_clock::now();
  EXPECT_TRUE(comes_true(
      [&] { return front_->log().find("node_lost") != std::string::npos; }));
  // With an allowance for a busy machine.
  EXPECT_LT(std::chrono::steady_clock::now() - frozen,
            heartbeat_timeout + 100ms + 2s);
  expect_whole(*client, 5, 150);
  signal_machine(SIGCONT);
  expect_joined(2);
  EXPECT_TRUE(comes_true([&] {
    return fetch(front_->port(), "GET", "/api/v1/")
               .body.find(R"("node":"node-b","state":"ready")")
           != std::string::npos;
  }));
  EXPECT_TRUE(
      comes_true([&] { return worker_processes(node_->id()).size() == 1; }));
}

TEST_F(cluster_test, a_cut_network_loses_no_reply_and_heals) {
  start_front();
  network_ = std::make_unique<tcp_proxy>(cluster_port_);
  start_node();
  expect_joined();
  serve_on_node();
  auto client = stream(6, 150);
  network_->cut();
  expect_whole(*client, 6, 150);
  EXPECT_TRUE(comes_true(
      [&] { return node_->log().find("front_lost") != std::string::npos; }));
  // Nobody waits for what its workers still make.
  EXPECT_TRUE(
      comes_true([&] { return worker_processes(node_->id()).empty(); }));
  network_->heal();
  expect_joined(2);
}

TEST_F(cluster_test, a_slow_network_is_no_loss) {
  start_front();
  network_ = std::make_unique<tcp_proxy>(cluster_port_);
  start_node();
  expect_joined();
  serve_on_node();
  // Longer than heartbeats are apart, shorter than their timeout.
  network_->slow_down(300ms);
  auto client = stream(9, 50);
  expect_whole(*client, 9, 50);
  auto answer = post("/api/v1/fault/call", chat_body("len=5", R"(,"seed":3)"));
  EXPECT_EQ(content_of(answer.body), expected_reply(3, 5));
  EXPECT_THAT(front_->log(), Not(HasSubstr("node_lost")));
  EXPECT_THAT(front_->log(), Not(HasSubstr("worker_lost")));
}

TEST_F(cluster_test, a_second_machine_of_the_same_name_is_refused) {
  start_front();
  start_node();
  expect_joined();
  auto first = std::move(node_);
  start_node();
  EXPECT_TRUE(comes_true([&] {
    return node_->log().find("'node-b' is in the cluster already")
           != std::string::npos;
  })) << node_->log();
  expect_joined();
}

TEST_F(cluster_test, a_machine_joins_whenever_the_front_comes) {
  start_front();
  network_ = std::make_unique<tcp_proxy>(cluster_port_);
  start_node();
  expect_joined();
  front_->signal(SIGTERM);
  EXPECT_EQ(front_->wait(), 0);
  start_front({}, fmt::format("127.0.0.1:{}", cluster_port_));
  expect_joined();
}

TEST_F(cluster_test, a_port_that_is_taken_ends_the_program_with_a_word) {
  start_front();
  server_process second{std::vector<std::string>{
      "--config", folder_.write("second.json", models), "--port", "0",
      "--cluster-listen", fmt::format("127.0.0.1:{}", front_->port())}};
  EXPECT_EQ(second.wait(), 1);
  EXPECT_THAT(second.log(), HasSubstr("cannot be listened on"));
}

// -- certificates -------------------------------------------------------------

class certificate_test : public cluster_test {
protected:
  void SetUp() override {
    auto script = std::string{PROJECT_FOLDER} + "/deploy/make-cluster-certs.sh";
    for (const auto* names : {"ours front node-b", "theirs stranger"}) {
      std::string list = names;
      auto space = list.find(' ');
      auto command = fmt::format("{} {} {} > /dev/null", script,
                                 folder_.path(list.substr(0, space)),
                                 list.substr(space + 1));
      ASSERT_EQ(std::system(command.c_str()), 0);
    }
  }

  std::vector<std::string> proof(const std::string& authority,
                                 const std::string& name) {
    auto file = [&](const std::string& which) {
      return folder_.path(authority + '/' + which + ".pem");
    };
    return {"--cluster-cert",    file(name),     "--cluster-key",
            file(name + "-key"), "--cluster-ca", file("ca")};
  }
};

TEST_F(certificate_test, lets_in_who_is_signed_and_nobody_else) {
  start_front(proof("ours", "front"), "0.0.0.0:0");
  start_node(proof("theirs", "stranger"), "stranger");
  EXPECT_TRUE(comes_true([&] {
    return node_->log().find("front_out_of_reach") != std::string::npos;
  }));
  auto stranger = std::move(node_);
  start_node({}, "naked");
  EXPECT_TRUE(comes_true([&] {
    return node_->log().find("front_out_of_reach") != std::string::npos;
  }));
  auto naked = std::move(node_);
  start_node(proof("ours", "node-b"));
  expect_joined();
  EXPECT_THAT(front_->log(), Not(HasSubstr("node=stranger")));
  EXPECT_THAT(front_->log(), Not(HasSubstr("node=naked")));
}

TEST_F(certificate_test, files_that_are_gone_later_do_no_harm) {
  start_front(proof("ours", "front"), "0.0.0.0:0");
  start_node(proof("ours", "node-b"));
  expect_joined();
  std::filesystem::remove(folder_.path("ours/front.pem"));
  http_client stranger{cluster_port_};
  stranger.send("hello");
  stranger.is_closed_by_server();
  EXPECT_EQ(fetch(front_->port(), "GET", "/health/live").status, 200);
}

TEST_F(certificate_test, a_key_of_another_is_refused_at_the_start) {
  auto mixed = proof("ours", "front");
  mixed[3] = proof("ours", "node-b")[3];
  server_process server{
      std::vector<std::string>{"--config", folder_.write("mixed.json", models),
                               "--port", "0", "--cluster-listen", "127.0.0.1:0"}
      + mixed};
  EXPECT_EQ(server.wait(), 2);
  EXPECT_THAT(server.log(), HasSubstr("--cluster-key"));
}

TEST_F(certificate_test, strangers_do_not_disturb_those_who_are_in) {
  start_front(proof("ours", "front"), "0.0.0.0:0");
  start_node(proof("ours", "node-b"));
  expect_joined();
  serve_on_node();
  auto client = stream(8, 150);
  for (int i = 0; i < 20; ++i) {
    http_client stranger{cluster_port_};
    stranger.send("GET / HTTP/1.1\r\n\r\n");
    stranger.is_closed_by_server();
  }
  expect_whole(*client, 8, 150);
  EXPECT_THAT(front_->log(), Not(HasSubstr("node_lost")));
  EXPECT_THAT(front_->log(), Not(HasSubstr("worker_lost")));
}

} // namespace
} // namespace model_server
