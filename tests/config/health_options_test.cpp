// The command line of `model_api health`.
#include "config/health_options.hpp"

#include "tests/config/config_error_of.hpp"

#include <gmock/gmock.h>

#include <map>

namespace model_server {
namespace {

using testing::config_error_of;
using ::testing::HasSubstr;

using variables = std::map<std::string, std::string>;

std::variant<health_options, early_exit>
read(std::vector<const char*> arguments, const variables& given = {}) {
  surroundings around;
  around.variable = [&](const std::string& name) -> std::optional<std::string> {
    auto found = given.find(name);
    return found == given.end() ? std::nullopt : std::optional{found->second};
  };
  arguments.insert(arguments.begin(), "health");
  return read_health_options(static_cast<int>(arguments.size()),
                             arguments.data(), around);
}

std::string url_of(std::vector<const char*> arguments,
                   const variables& given = {}) {
  return std::get<health_options>(read(std::move(arguments), given)).server.url;
}

TEST(health_options_test, asks_the_server_of_the_same_environment) {
  EXPECT_EQ(url_of({}), "http://127.0.0.1:9999");
  EXPECT_EQ(url_of({}, {{"MODEL_SERVER_PORT", "80"}}), "http://127.0.0.1:80");
  EXPECT_EQ(url_of({}, {{"MODEL_SERVER_TLS_CERT", "server.pem"}}),
            "https://127.0.0.1:9999");
}

TEST(health_options_test, asks_the_server_that_is_named) {
  variables port{{"MODEL_SERVER_PORT", "x"}};
  EXPECT_EQ(url_of({"--url", "https://a/b/"}, port), "https://a/b");
  EXPECT_EQ(url_of({}, {{"MODEL_SERVER_URL", "a:1"}}), "http://a:1");
}

TEST(health_options_test, says_what_is_wrong) {
  EXPECT_THAT(config_error_of([] {
                read({"--url", "ftp://a"});
              }),
              HasSubstr("ftp://a"));
  EXPECT_THAT(config_error_of([] {
                read({}, {{"MODEL_SERVER_PORT", "0"}});
              }),
              HasSubstr("MODEL_SERVER_PORT"));
  EXPECT_THAT(config_error_of([] { read({"now"}); }), HasSubstr("now"));
  EXPECT_THAT(std::get<early_exit>(read({"--help"})).text, HasSubstr("--url"));
}

} // namespace
} // namespace model_server
