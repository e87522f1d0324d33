// The command line of `model_api quantize`.
#include "config/quantize_options.hpp"

#include "tests/config/config_error_of.hpp"

#include <gmock/gmock.h>

namespace model_server {
namespace {

using ::testing::HasSubstr;
using testing::config_error_of;

std::variant<quantize_options, early_exit>
read(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), quantize_command);
  return read_quantize_options(static_cast<int>(arguments.size()),
                               arguments.data(), {"int8", "int4"});
}

TEST(quantize_options_test, reads_folders_and_format) {
  auto options = std::get<quantize_options>(
      read({"here", "--to", "int4", "--output", "there"}));
  EXPECT_EQ(options.from, "here");
  EXPECT_EQ(options.to, "there");
  EXPECT_EQ(options.format, "int4");
}

TEST(quantize_options_test, says_what_is_missing_or_wrong) {
  EXPECT_EQ(config_error_of([] { read({"--to", "int4", "--output", "x"}); }),
            "quantize needs the folder of a model");
  EXPECT_EQ(config_error_of([] { read({"here", "--to", "int4"}); }),
            "quantize needs --output, a folder to make");
  EXPECT_EQ(config_error_of([] {
              read({"here", "--to", "int3", "--output", "there"});
            }),
            "--to is \"int3\", but int8, int4 is needed");
  EXPECT_THAT(config_error_of([] {
                read({"here", "--fro", "int8", "--output", "there"});
              }),
              HasSubstr("--fro"));
}

TEST(quantize_options_test, helps) {
  auto help = std::get<early_exit>(read({"--help"})).text;
  EXPECT_THAT(help, HasSubstr("--to FORMAT"));
  EXPECT_THAT(help, HasSubstr("int8, int4"));
}

} // namespace
} // namespace model_server
