// The command line of `model_api health`.
#include "config/health_options.hpp"

#include "tests/config/config_error_of.hpp"

#include <gmock/gmock.h>

#include <map>

namespace model_server {
namespace {

using testing::config_error_of;
using ::testing::HasSubstr;

std::variant<health_options, early_exit>
read(std::vector<const char*> arguments, std::string port = {}) {
  surroundings around;
  around.variable = [&](const std::string& name) -> std::optional<std::string> {
    if (name == "MODEL_SERVER_PORT")
      return port;
    return std::nullopt;
  };
  arguments.insert(arguments.begin(), "health");
  return read_health_options(static_cast<int>(arguments.size()),
                             arguments.data(), around);
}

TEST(health_options_test, asks_the_server_of_the_same_environment) {
  EXPECT_EQ(std::get<health_options>(read({})).url,
            "http://127.0.0.1:9999/health/ready");
  EXPECT_EQ(std::get<health_options>(read({}, "80")).url,
            "http://127.0.0.1:80/health/ready");
  EXPECT_EQ(std::get<health_options>(read({"--url", "https://a/b"}, "x")).url,
            "https://a/b");
}

TEST(health_options_test, says_what_is_wrong) {
  EXPECT_EQ(config_error_of([] {
              read({"--url", "a:9999"});
            }),
            "--url is \"a:9999\", but http:// or https:// is needed");
  EXPECT_THAT(config_error_of([] { read({}, "0"); }),
              HasSubstr("MODEL_SERVER_PORT"));
  EXPECT_THAT(config_error_of([] { read({"now"}); }), HasSubstr("now"));
  EXPECT_THAT(std::get<early_exit>(read({"--help"})).text, HasSubstr("--url"));
}

} // namespace
} // namespace model_server
