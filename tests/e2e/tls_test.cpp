// The program over TLS, with a certificate that the test makes.
#include "support/chats.hpp"
#include "support/test_certificates.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

namespace model_server {
namespace {

using testing::HasSubstr;

constexpr auto models = R"({
  "echo": {"name": "echo"},
  "fault": {"name": "fault", "params": {"enable": true}}
})";

struct tls_test : testing::Test {
  std::vector<std::string> options() const {
    return {"--tls-cert", files.certificate(), "--tls-key", files.key()};
  }

  scratch_folder folder;
  test_certificates files{folder.path("")};
};

TEST_F(tls_test, chats_streams_and_stops_in_good_order) {
  server_process server{models, {"echo", "fault"}, options()};
  auto whole = fetch_tls(server.port(), files.authority(), "POST",
                         "/api/v1/echo/call", chat_body("hello"));
  EXPECT_EQ(content_of(whole.body), "hello");
  http_client stream{server.port(), files.authority()};
  stream.request(
      "POST", "/api/v1/fault/call",
      chat_body("len=50 sleep_ms=10", ",\"seed\":9,\"stream\":true"));
  EXPECT_EQ(stream.receive_head().status, 200);
  ASSERT_TRUE(stream.next_event());
  server.signal(SIGTERM);
  auto reply = read_stream(stream);
  EXPECT_TRUE(expected_reply(9, 50).ends_with(reply.text));
  EXPECT_TRUE(reply.is_done);
  EXPECT_EQ(server.wait(), 0);
}

TEST_F(tls_test, works_beside_a_cluster_that_has_certificates_of_its_own) {
  scratch_folder other;
  test_certificates cluster{other.path("")};
  auto all = options();
  all.insert(all.end(), {"--cluster-listen", "127.0.0.1:0", "--cluster-cert",
                         cluster.certificate(), "--cluster-key", cluster.key(),
                         "--cluster-ca", cluster.authority()});
  server_process server{models, {"echo"}, all};
  EXPECT_EQ(
      fetch_tls(server.port(), files.authority(), "GET", "/health").status,
      200);
}

TEST_F(tls_test, tells_whoever_speaks_in_the_clear) {
  server_process server{models, {}, options()};
  auto response = fetch(server.port(), "GET", "/health/live");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(json_value(response.body, "code"), "tls_needed");
}

TEST_F(tls_test, does_not_start_without_its_files) {
  auto all = options();
  all[1] = folder.path("none.pem");
  all.insert(all.end(), {"--port", "0"});
  server_process server{all};
  EXPECT_EQ(server.wait(), 2);
  EXPECT_THAT(server.log(), HasSubstr("--tls-cert"));
  EXPECT_THAT(server.log(), HasSubstr("No such file"));
}

} // namespace
} // namespace model_server
