// The command line of `model_api pull`.
#include "config/pull_options.hpp"

#include "tests/config/config_error_of.hpp"
#include "tests/config/options_surroundings.hpp"
#include "tests/models/temporary_folder.hpp"

#include <gmock/gmock.h>

namespace model_server {
namespace {

using ::testing::AllOf;
using testing::config_error_of;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::read_arguments;
using testing::surroundings_of;

pull_options read(std::vector<const char*> arguments,
                  const surroundings& around = surroundings_of()) {
  return std::get<pull_options>(
      read_arguments(read_pull_options, std::move(arguments), around));
}

std::string error_of(std::vector<const char*> arguments,
                     const surroundings& around = surroundings_of()) {
  return config_error_of([&] { read(std::move(arguments), around); });
}

TEST(pull_options_test, puts_a_model_where_servers_look) {
  testing::temporary_folder folder;
  auto around = surroundings_of(folder.path());
  EXPECT_EQ(read({"org/name"}, around).to, folder.path() / "models/org/name");
  auto elsewhere = read({"org/name", "--models-dir", "here/"}, around);
  EXPECT_EQ(elsewhere.to, folder.path() / "here/org/name");
  EXPECT_EQ(elsewhere.models_folder, folder.path() / "here/");
  EXPECT_EQ(read({"org/name", "--to", "x/../y/"}, around).to,
            folder.path() / "y");
  EXPECT_EQ(read({"old", "--to", "/abs"}, around).to, "/abs");
  auto by_variable =
      surroundings_of(folder.path(), {{"MODEL_SERVER_MODELS_DIR", "/data"}});
  EXPECT_EQ(read({"org/name"}, by_variable).to, "/data/org/name");
}

TEST(pull_options_test, reads_revision_and_choice) {
  auto options = read({"org/name", "--revision", "refs/pr/1", "--include",
                       "*Q4*", "--retries", "0"});
  EXPECT_EQ(options.revision, "refs/pr/1");
  EXPECT_EQ(options.include, "*Q4*");
  EXPECT_EQ(options.retries, 0U);
  EXPECT_EQ(read({"org/name"}).revision, "main");
}

TEST(pull_options_test, finds_the_hub_and_the_token) {
  EXPECT_THAT(read({"a/b"}).hub.url, HasSubstr("https://"));
  EXPECT_EQ(read({"a/b"}).hub.token, "");
  auto options = read(
      {"a/b"}, surroundings_of("/nowhere", {{"HF_ENDPOINT", "http://hub:1/"},
                                            {"HF_TOKEN", " hf_x\n"}}));
  EXPECT_EQ(options.hub.url, "http://hub:1");
  EXPECT_EQ(options.hub.token, "hf_x");
}

TEST(pull_options_test, never_shows_a_token) {
  auto why = error_of(
      {"a/b"}, surroundings_of("/nowhere", {{"HF_TOKEN", "hf_se\ncret"}}));
  EXPECT_THAT(why, AllOf(HasSubstr("HF_TOKEN"), Not(HasSubstr("cret"))));
}

TEST(pull_options_test, refuses_what_is_no_model_of_a_hub) {
  for (auto name : {"a/b/c", "../b", "a/..", "/a", "a/", "a:b", "a b", ".a/b",
                    "https://hub/a/b", ""})
    EXPECT_THAT(error_of({name}), HasSubstr("name of a model")) << name;
  EXPECT_EQ(error_of({}), "pull needs the name of a model, ORG/NAME");
  EXPECT_THAT(error_of({"a/b", "--revision", "x y"}), HasSubstr("--revision"));
  EXPECT_THAT(error_of({"a/b", "--retries", "1001"}), HasSubstr("0 to 1000"));
  EXPECT_THAT(error_of({"a/b", "--frobnicate"}), HasSubstr("--frobnicate"));
  for (auto url : {"ftp://hub", "http://", "http://user@hub", "http://h?x", ""})
    if (*url != '\0') {
      EXPECT_THAT(error_of({"a/b"},
                           surroundings_of("/nowhere", {{"HF_ENDPOINT", url}})),
                  HasSubstr("HF_ENDPOINT is"))
          << url;
    }
}

} // namespace
} // namespace model_server
