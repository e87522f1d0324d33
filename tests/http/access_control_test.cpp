// Who comes in: keys, roles, limits, hosts and pages.
#include "http/access_control.hpp"

#include "tests/models/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace model_server {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr auto key_text = R"({"keys": [
  {"name": "alice", "key": "alice-0123456789", "role": "call",
   "requests_per_minute": 2, "tokens_per_minute": 0},
  {"name": "ops", "key": "ops-0123456789ab", "role": "admin"}
]})";

constexpr auto alice = "Bearer alice-0123456789";
constexpr auto ops = "Bearer ops-0123456789ab";

using fields = std::vector<std::pair<std::string_view, std::string_view>>;

http_request asking(fields all) {
  http_request result;
  result.fields = std::move(all);
  return result;
}

/// The status and the code of a refusal; 0 when there is none.
std::pair<unsigned, std::string> outcome(const access_decision& decision) {
  if (!decision.refusal)
    return {0, ""};
  return {decision.refusal->status, decision.refusal->code};
}

std::pair<unsigned, std::string> refused(unsigned status, std::string code) {
  return {status, std::move(code)};
}

const auto welcome = refused(0, "");

struct access_control_test : ::testing::Test {
  access_control_test() {
    write(key_text);
    settings.keys.file = (folder.path() / "keys.json").string();
  }

  void write(std::string_view text) {
    auto path = folder.write("keys.json", text);
    std::filesystem::permissions(path, std::filesystem::perms{0600});
  }

  auto ask(const access_control& access, std::string_view authorization,
           route_access needs = route_access::call) {
    return access.check(asking({{"authorization", authorization}}), needs, now);
  }

  testing::temporary_folder folder;
  access_settings settings;
  access_control::time_point now{};
};

TEST_F(access_control_test, lets_keys_do_what_their_role_allows) {
  access_control access{settings, now};
  using enum route_access;
  EXPECT_EQ(outcome(ask(access, alice, call)), welcome);
  EXPECT_EQ(outcome(ask(access, alice, admin)), refused(403, "scope_denied"));
  EXPECT_EQ(outcome(ask(access, alice, metrics)), refused(403, "scope_denied"));
  for (auto needs : {open, call, admin, metrics})
    EXPECT_EQ(outcome(ask(access, ops, needs)), welcome);
  EXPECT_EQ(ask(access, alice).usage->name(), "alice");
  EXPECT_THAT(ask(access, alice, admin).refusal->message, HasSubstr("alice"));
}

TEST_F(access_control_test, wants_a_key_for_all_but_what_is_open) {
  access_control access{settings, now};
  using enum route_access;
  EXPECT_EQ(outcome(ask(access, "", open)), welcome);
  for (auto needs : {call, admin, metrics})
    EXPECT_EQ(outcome(ask(access, "", needs)), refused(401, "missing_api_key"));
  settings.has_open_metrics = true;
  EXPECT_EQ(outcome(ask(access_control{settings, now}, "", metrics)), welcome);
}

TEST_F(access_control_test, knows_a_key_by_every_one_of_its_characters) {
  access_control access{settings, now};
  for (auto missing : {"", "Bearer", "Bearer ", "Bearer   ", "Basic YTpi",
                       "alice-0123456789", "Bearerx alice-0123456789"})
    EXPECT_EQ(outcome(ask(access, missing)), refused(401, "missing_api_key"))
        << missing;
  std::string huge = "Bearer " + std::string(8000, 'x');
  for (auto wrong :
       {"Bearer alice-012345678", "Bearer alice-01234567890",
        "Bearer Alice-0123456789", "Bearer alice-0123456789 x",
        "Bearer \xC3\xA4lice-0123456789", "Bearer x", huge.c_str()})
    EXPECT_EQ(outcome(ask(access, wrong)), refused(401, "invalid_api_key"))
        << wrong;
  EXPECT_EQ(outcome(ask(access, "bearer  alice-0123456789 ")), welcome);
}

TEST_F(access_control_test, never_says_which_key_was_wrong) {
  access_control access{settings, now};
  auto decision = ask(access, "Bearer s3cr3t");
  EXPECT_THAT(decision.refusal->message, Not(HasSubstr("s3cr3t")));
  EXPECT_EQ(decision.usage, nullptr);
}

TEST_F(access_control_test, counts_calls_alone) {
  access_control access{settings, now};
  for (int i = 0; i < 5; ++i)
    EXPECT_FALSE(ask(access, alice, route_access::admin).is_counted);
  EXPECT_TRUE(ask(access, alice).is_counted);
  EXPECT_TRUE(ask(access, alice).is_counted);
  auto third = ask(access, alice);
  EXPECT_EQ(outcome(third), refused(429, "rate_limit_exceeded"));
  EXPECT_FALSE(third.is_counted);
  EXPECT_EQ(third.refusal->retry_after, 30u);
  EXPECT_NE(third.usage, nullptr); // for the headers
  now += 30s;
  EXPECT_EQ(outcome(ask(access, alice)), welcome);
}

TEST_F(access_control_test,
       takes_up_a_changed_file_and_remembers_what_was_used) {
  access_control access{settings, now};
  ask(access, alice);
  ask(access, alice);
  write(R"({"keys": [
    {"name": "alice", "key": "another-0123456789", "role": "admin",
     "requests_per_minute": 2, "tokens_per_minute": 0}]})");
  access.reload_keys(now);
  EXPECT_EQ(outcome(ask(access, alice)), refused(401, "invalid_api_key"));
  EXPECT_EQ(outcome(ask(access, ops)), refused(401, "invalid_api_key"));
  auto other = "Bearer another-0123456789";
  EXPECT_EQ(outcome(ask(access, other, route_access::admin)), welcome);
  EXPECT_EQ(outcome(ask(access, other)), refused(429, "rate_limit_exceeded"));
}

TEST_F(access_control_test, a_bad_file_changes_nothing_and_says_why) {
  access_control access{settings, now};
  write(R"({"keys": []})");
  EXPECT_THAT(testing::error_of([&] { access.reload_keys(now); }),
              HasSubstr("has 0 keys"));
  EXPECT_EQ(outcome(ask(access, alice)), welcome);
}

TEST_F(access_control_test, without_keys_serves_this_machine_alone) {
  access_control access{{}, now};
  for (auto host : {"localhost", "LOCALHOST:9999", "127.0.0.1", "127.0.0.1:1",
                    "[::1]", "[::1]:9999", ""})
    EXPECT_EQ(outcome(access.check(asking({{"host", host}}),
                                   route_access::admin, now)),
              welcome)
        << host;
  for (auto host : {"evil.example", "evil.example:9999", "10.0.0.1",
                    "localhost.evil.example", "127.0.0.1.evil.example", "a:b"})
    EXPECT_EQ(outcome(access.check(asking({{"host", host}}), route_access::call,
                                   now)),
              refused(403, "host_not_allowed"))
        << host;
  EXPECT_EQ(outcome(access.check(asking({{"host", "evil.example"}}),
                                 route_access::open, now)),
            welcome);
  settings = {};
  settings.allows_no_key = true;
  access_control open{settings, now};
  EXPECT_EQ(outcome(open.check(asking({{"host", "box.example"}}),
                               route_access::admin, now)),
            welcome);
}

TEST_F(access_control_test, pages_of_others_stay_out) {
  settings.cors_origins = {"https://friend.example"};
  access_control access{settings, now};
  auto from = [&](std::string_view origin, fields more = {}) {
    more.insert(more.end(), {{"origin", origin},
                             {"host", "box.example:9999"},
                             {"authorization", ops}});
    return outcome(access.check(asking(more), route_access::admin, now));
  };
  EXPECT_EQ(from("https://friend.example"), welcome);
  EXPECT_EQ(from("http://box.example:9999"), welcome);
  for (auto origin : {"https://evil.example", "null", "http://box.example",
                      "https://friend.example.evil.example"})
    EXPECT_EQ(from(origin), refused(403, "origin_not_allowed")) << origin;
  EXPECT_EQ(
      from("https://outside.example", {{"sec-fetch-site", "same-origin"}}),
      welcome);
  EXPECT_EQ(from("https://outside.example", {{"sec-fetch-site", "same-site"}}),
            refused(403, "origin_not_allowed"));
}

} // namespace
} // namespace model_server
