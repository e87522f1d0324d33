// When the server may be reached, and by whom.
#include "config/loopback.hpp"
#include "tests/config/command_line_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace model_server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(loopback_test, knows_what_only_this_machine_reaches) {
  for (auto host : {"localhost", "127.0.0.1", "127.255.0.9", "::1",
                    "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "::ffff:7f00:1"})
    EXPECT_TRUE(is_loopback(host)) << host;
  for (auto host :
       {"0.0.0.0", "::", "", "10.0.0.1", "126.0.0.1", "128.0.0.1", "::2",
        "::ffff:10.0.0.1", "fe80::1", "2001:db8::1", "127.1", "127.0.0.1.5",
        "127.evil.example", "localhost.example", "[::1]", "127.0.0.1 "})
    EXPECT_FALSE(is_loopback(host)) << host;
}

class access_test : public testing::command_line_test {};

TEST_F(access_test, an_address_that_others_reach_needs_a_key) {
  for (std::string address : {"0.0.0.0", "::", "10.0.0.1", "2001:db8::1"}) {
    auto error = error_of({"--address", address});
    EXPECT_THAT(error, HasSubstr("--address is " + address));
    for (auto way :
         {"--api-key-file", "MODEL_SERVER_API_KEY", "--allow-no-key"})
      EXPECT_THAT(error, HasSubstr(way));
    EXPECT_EQ(error_of({"--address", address, "--allow-no-key"}), "");
    EXPECT_EQ(error_of({"--address", address, "--api-key-file", "keys"}), "");
  }
  for (std::string address : {"127.0.0.1", "localhost", "127.1.2.3", "::1"})
    EXPECT_EQ(error_of({"--address", address}), "") << address;
}

TEST_F(access_test, the_environment_may_hold_a_key) {
  environment["MODEL_SERVER_API_KEY"] = "sk-0123456789abcdef";
  auto keys = load({"--address", "0.0.0.0"}).access.keys;
  EXPECT_EQ(keys.from_environment->digest, digest_of("sk-0123456789abcdef"));
  environment["MODEL_SERVER_API_KEY"] = "s3cr3t";
  auto error = error_of({});
  EXPECT_THAT(error, HasSubstr("the key in MODEL_SERVER_API_KEY has 6"));
  EXPECT_THAT(error, ::testing::Not(HasSubstr("s3cr3t")));
}

TEST_F(access_test, a_machine_that_joins_another_has_no_door) {
  EXPECT_EQ(error_of({"--join", "127.0.0.1:7000", "--node-name", "b",
                      "--address", "0.0.0.0"}),
            "");
}

TEST_F(access_test, origins_are_a_list) {
  auto origins_of = [&](const std::string& text) {
    return load({"--cors-origins", text}).access.cors_origins;
  };
  EXPECT_THAT(origins_of("https://a.example, http://localhost:3000"),
              ElementsAre("https://a.example", "http://localhost:3000"));
  EXPECT_THAT(origins_of("app://obsidian.md"),
              ElementsAre("app://obsidian.md"));
  for (std::string text :
       {"", "a.example", "https://a.example/", "https://a.example/x",
        "https://A.example", "https://", "://a", "null"})
    EXPECT_THAT(error_of({"--cors-origins", text}),
                HasSubstr("origins such as"))
        << text;
}

TEST_F(access_test, pages_of_anybody_need_a_key) {
  EXPECT_THAT(error_of({"--cors-origins", "*"}),
              HasSubstr("--cors-origins is *, so that any web page"));
  EXPECT_EQ(error_of({"--cors-origins", "*", "--allow-no-key"}), "");
  EXPECT_EQ(error_of({"--cors-origins", "*", "--api-key-file", "keys"}), "");
}

TEST_F(access_test, certificate_and_key_belong_together) {
  EXPECT_THAT(error_of({"--tls-cert", "a.pem"}), HasSubstr("give both"));
  EXPECT_THAT(error_of({"--tls-key", "a.pem"}), HasSubstr("give both"));
  auto http = load({"--tls-cert", "a.pem", "--tls-key", "b.pem"}).http;
  EXPECT_TRUE(http.has_tls());
  EXPECT_EQ(http.tls_certificate, "a.pem");
  EXPECT_EQ(http.tls_key, "b.pem");
}

TEST_F(access_test, every_option_reaches_its_field) {
  auto all = load({"--api-key-file", "keys", "--allow-no-key", "--open-metrics",
                   "--connections-per-address", "7"});
  EXPECT_EQ(all.access.keys.file, "keys");
  EXPECT_TRUE(all.access.allows_no_key);
  EXPECT_TRUE(all.access.has_open_metrics);
  EXPECT_EQ(all.http.max_connections_per_address, 7u);
}

} // namespace
} // namespace model_server
