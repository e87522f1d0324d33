// Keys: what a file may hold, and that nobody learns them from an error.
#include "config/api_keys.hpp"

#include "tests/config/config_error_of.hpp"
#include "tests/models/temporary_folder.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace model_server {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr auto secret = "sk-0123456789abcdef";
// printf %s sk-0123456789abcdef | sha256sum
constexpr auto secret_sha256 =
    "221df437bc4f8c4d9718bd7a9ec4c1021c72fd69dfb2a5f568ecf4607c824bee";

std::vector<api_key> parse(std::string_view list) {
  return parse_api_keys(fmt::format(R"({{"keys": [{}]}})", list), "keys.json");
}

std::string error_of(std::string_view text) {
  return testing::config_error_of([&] { parse_api_keys(text, "keys.json"); });
}

std::string error_of_list(std::string_view list) {
  return error_of(fmt::format(R"({{"keys": [{}]}})", list));
}

TEST(api_keys_test, reads_names_roles_and_limits) {
  auto keys = parse_api_keys(R"({
    // who may call
    "keys": [
      {"name": "alice", "key": "sk-0123456789abcdef", "role": "call",
       "requests_per_minute": 60, "tokens_per_minute": 0, "parallel": 8},
      {"name": "ops.1", "key": "sk-fedcba9876543210", "role": "admin"},
    ]})",
                             "keys.json");
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_EQ(keys[0], (api_key{.name = "alice",
                              .role = key_role::call,
                              .digest = digest_of(secret),
                              .limits = {60, 0, 8}}));
  EXPECT_EQ(keys[1].role, key_role::admin);
  EXPECT_EQ(keys[1].limits, key_limits{});
}

TEST(api_keys_test, takes_a_digest_in_place_of_a_key) {
  std::string hex;
  for (auto byte : digest_of(secret))
    hex += fmt::format("{:02x}", byte);
  EXPECT_EQ(hex, secret_sha256);
  auto keys = parse(fmt::format(
      R"({{"name": "a", "sha256": "{}", "role": "call"}})", secret_sha256));
  EXPECT_EQ(keys.at(0).digest, digest_of(secret));
}

TEST(api_keys_test, says_what_is_wrong_and_where) {
  struct line {
    const char* list;
    const char* error;
  };
  for (const auto& [list, error] : {
           line{"1", "keys.json: keys[0] is no object"},
           line{R"({"key": "sk-0123456789abcdef", "role": "call"})",
                "keys[0] has no name"},
           line{R"({"name": "a", "role": "call"})",
                "keys[0] has neither key nor sha256"},
           line{R"({"name": "a", "key": "sk-0123456789abcdef"})",
                "keys[0] has no role; it is call or admin"},
           line{R"({"name": "a b"})", "keys[0].name is no name"},
           line{R"({"name": "-"})", "keys[0].name is no name"},
           line{R"({"role": "root"})",
                R"(keys[0].role is neither "call" nor "admin")"},
           line{R"({"name": "a", "name": "b"})", "keys[0].name is given twice"},
           line{R"({"key": "short"})", "has 5 characters, but 16 to 1024"},
           line{R"({"key": 7})", "keys[0].key is no text"},
           line{R"({"key": "sk-0123456789 bcdef"})",
                "none of the visible ones of ASCII"},
           line{R"({"key": "sk-0123456789\u00e4cdef"})",
                "none of the visible ones of ASCII"},
           line{R"({"sha256": "12"})", "64 hexadecimal digits"},
           line{R"({"sha256": 12})", "64 hexadecimal digits"},
           line{R"({"parallel": -1})", "keys[0].parallel is no whole number"},
           line{R"({"parallel": 1.5})", "keys[0].parallel is no whole number"},
           line{R"({"tokens_per_minute": 1000000000001})",
                "from 0 to 1000000000000"},
           line{R"({"name": "a", "rate": 1})",
                "keys[0] has an unknown field, number 2"},
       })
    EXPECT_THAT(error_of_list(list), HasSubstr(error)) << list;
  for (auto text : {"[]", "{}", R"({"keys": {}})", R"({"keys": [], "x": 1})"})
    EXPECT_EQ(error_of(text), "keys.json is not of the form {\"keys\": [...]}");
  EXPECT_THAT(error_of(R"({"keys": []})"),
              HasSubstr("has 0 keys, but 1 to 1024 are needed"));
  EXPECT_THAT(error_of("{\n\"keys\": [}"), HasSubstr("is not JSON, line 2"));
}

TEST(api_keys_test, refuses_doubles) {
  auto one = R"({"name": "a", "key": "sk-0123456789abcdef", "role": "call"})";
  auto namesake =
      R"({"name": "a", "key": "sk-fedcba9876543210", "role": "call"})";
  auto twin = R"({"name": "b", "key": "sk-0123456789abcdef", "role": "admin"})";
  EXPECT_EQ(error_of_list(fmt::format("{}, {}", one, namesake)),
            "keys.json has two keys of the name a");
  EXPECT_EQ(error_of_list(fmt::format("{}, {}", one, twin)),
            "keys.json gives a and b the same key");
}

TEST(api_keys_test, takes_1024_keys_and_no_more) {
  std::string list;
  auto add = [&](int i) {
    list += fmt::format(
        R"({}{{"name": "k{}", "key": "0123456789abcdef{}", "role": "call"}})",
        list.empty() ? "" : ",", i, i);
  };
  for (int i = 0; i < 1024; ++i)
    add(i);
  EXPECT_EQ(parse(list).size(), 1024u);
  add(1024);
  EXPECT_THAT(error_of_list(list), HasSubstr("has 1025 keys"));
}

TEST(api_keys_test, shows_no_key_in_an_error) {
  for (auto list : {
           R"({"name": "a", "key": "s3cr3t"})",
           R"({"name": "a", "key": "s3cr3t s3cr3t s3cr3t", "role": "call"})",
           R"({"name": "a", "sha256": "s3cr3t"})",
           R"({"name": "s3cr3t, s3cr3t"})",
           R"({"role": "s3cr3t"})",
           R"({"s3cr3t": "a"})",
           R"("s3cr3t")",
           R"({"parallel": "s3cr3t"})",
           R"({"key": "s3cr3t)",
       })
    EXPECT_THAT(error_of_list(list), Not(HasSubstr("s3cr3t"))) << list;
}

TEST(api_keys_test, the_key_of_the_environment_may_do_everything) {
  auto key = environment_key("MODEL_SERVER_API_KEY", secret);
  EXPECT_EQ(key.role, key_role::admin);
  EXPECT_EQ(key.digest, digest_of(secret));
  EXPECT_EQ(key.limits, (key_limits{0, 0, 0}));
  auto error = testing::config_error_of(
      [] { environment_key("MODEL_SERVER_API_KEY", "s3cr3t"); });
  EXPECT_THAT(error, HasSubstr("the key in MODEL_SERVER_API_KEY has 6"));
  EXPECT_THAT(error, Not(HasSubstr("s3cr3t")));
}

/// Keys in files, with their permissions.
struct key_file_test : ::testing::Test {
  std::string write(std::string_view text, fs::perms mode) {
    auto path = folder.write("keys.json", std::string{text});
    fs::permissions(path, mode);
    return path.string();
  }

  static std::string error_of_file(const std::string& path) {
    return testing::config_error_of([&] { read_api_keys({path, {}}); });
  }

  testing::temporary_folder folder;
};

constexpr auto clear =
    R"({"keys": [{"name": "a", "key": "sk-0123456789abcdef", "role": "call"}]})";
constexpr auto all_may_read = fs::perms{0644};
constexpr auto group_may_read = fs::perms{0640};
constexpr auto all_may_write = fs::perms{0602};

TEST_F(key_file_test, is_for_its_owner_and_group) {
  EXPECT_EQ(read_api_keys({write(clear, group_may_read), {}}).size(), 1u);
  auto path = write(clear, all_may_read);
  EXPECT_THAT(error_of_file(path), HasSubstr("chmod 600"));
  EXPECT_THAT(error_of_file(path), HasSubstr("keys[0].key"));
  EXPECT_THAT(error_of_file(write(clear, all_may_write)),
              HasSubstr("can be written by everybody"));
}

TEST_F(key_file_test, may_be_read_by_all_if_it_has_digests_alone) {
  auto text = fmt::format(
      R"({{"keys": [{{"name": "a", "sha256": "{}", "role": "call"}}]}})",
      secret_sha256);
  EXPECT_EQ(read_api_keys({write(text, all_may_read), {}}).size(), 1u);
}

TEST_F(key_file_test, comes_before_the_key_of_the_environment) {
  auto path = write(clear, group_may_read);
  auto other = environment_key("V", "sk-fedcba9876543210");
  auto keys = read_api_keys({path, other});
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_EQ(keys[1], other);
  EXPECT_THAT(testing::config_error_of([&] {
                read_api_keys({path, environment_key("V", secret)});
              }),
              HasSubstr("gives a and environment the same key"));
}

TEST_F(key_file_test, is_a_file_of_sensible_size) {
  EXPECT_THAT(error_of_file((folder.path() / "none").string()),
              HasSubstr("No such file"));
  EXPECT_THAT(error_of_file(folder.path().string()), HasSubstr("is no file"));
  EXPECT_THAT(error_of_file("/dev/zero"), HasSubstr("is no file"));
  EXPECT_THAT(
      error_of_file(write(std::string((1 << 20) + 1, ' '), group_may_read)),
      HasSubstr("is larger than 1048576 bytes"));
}

} // namespace
} // namespace model_server
