// The command lines of `model_api chat`, `list` and `bench`.
#include "config/bench_options.hpp"
#include "config/chat_options.hpp"
#include "config/list_options.hpp"
#include "tests/config/config_error_of.hpp"
#include "tests/config/options_surroundings.hpp"
#include "tests/models/temporary_folder.hpp"

#include <gmock/gmock.h>

namespace model_server {
namespace {

using ::testing::AllOf;
using testing::config_error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using testing::read_arguments;
using testing::surroundings_of;

using words = std::vector<const char*>;

chat_options chat_of(words arguments,
                     const surroundings& around = surroundings_of()) {
  return std::get<chat_options>(
      read_arguments(read_chat_options, std::move(arguments), around));
}

std::string chat_error(words arguments,
                       const surroundings& around = surroundings_of()) {
  return config_error_of([&] { chat_of(std::move(arguments), around); });
}

TEST(chat_options_test, reads_model_message_and_fields) {
  auto options = chat_of({"org/name", "a question", "--system", "[be, brief]",
                          "--set", "temperature=0.2", "--set", "stop=a=b"});
  EXPECT_EQ(options.model, "org/name");
  EXPECT_EQ(options.message, "a question");
  EXPECT_EQ(options.system, "[be, brief]");
  EXPECT_THAT(options.fields,
              ElementsAre(Pair("temperature", "0.2"), Pair("stop", "a=b")));
  EXPECT_EQ(chat_of({"m", "-"}).message, "-");
  EXPECT_EQ(chat_of({"m"}).message, "");
}

TEST(chat_options_test, finds_the_server) {
  EXPECT_EQ(chat_of({"m"}).server.url, "http://127.0.0.1:9999");
  EXPECT_EQ(chat_of({"m", "--url", "host:1/"}).server.url, "http://host:1");
  auto around =
      surroundings_of("/nowhere", {{"MODEL_SERVER_URL", "https://box/llm"},
                                   {"MODEL_SERVER_API_KEY", "k1"}});
  EXPECT_EQ(chat_of({"m"}, around).server.url, "https://box/llm");
  EXPECT_EQ(chat_of({"m"}, around).server.key, "k1");
  EXPECT_EQ(chat_of({"m", "--key", "k2"}, around).server.key, "k2");
}

TEST(chat_options_test, says_what_is_missing_or_wrong) {
  EXPECT_THAT(chat_error({}), HasSubstr("needs the name of a model"));
  EXPECT_THAT(chat_error({"../m"}), HasSubstr("NAME is \"../m\""));
  EXPECT_THAT(chat_error({"m", "--set", "temperature"}),
              HasSubstr("FIELD=VALUE"));
  EXPECT_EQ(chat_error({"m", "--url"}), "--url needs a value");
  EXPECT_EQ(chat_error({"m", "--url", "a", "--url", "b"}),
            "--url is given 2 times");
  EXPECT_THAT(chat_error({"m", "--key", "se cret"}),
              AllOf(HasSubstr("--key"), Not(HasSubstr("cret"))));
}

TEST(chat_options_test, helps) {
  auto help = std::get<early_exit>(read_arguments(read_chat_options, {"-h"}));
  for (auto part : {"model_api chat NAME [MESSAGE]", "--system TEXT",
                    "[MODEL_SERVER_API_KEY]", "130", "http://127.0.0.1:9999"})
    EXPECT_THAT(help.text, HasSubstr(part));
}

TEST(list_options_test, knows_both_places) {
  auto read = [](words arguments, const surroundings& around) {
    return std::get<list_options>(
        read_arguments(read_list_options, std::move(arguments), around));
  };
  EXPECT_FALSE(read({}, surroundings_of()).is_local);
  EXPECT_TRUE(read({"--local"}, surroundings_of()).models_folders.empty());
  testing::temporary_folder folder;
  std::filesystem::create_directory(folder.path() / "models");
  auto around = surroundings_of(folder.path());
  EXPECT_EQ(read({"--local"}, around).models_folders,
            std::vector{folder.path() / "models"});
  EXPECT_THAT(config_error_of([&] {
                read({"--local", "--models-dir", "gone"}, around);
              }),
              HasSubstr("is not there"));
}

TEST(bench_options_test, bounds_what_it_keeps) {
  auto read = [](words arguments) {
    return std::get<bench_options>(
        read_arguments(read_bench_options, std::move(arguments)));
  };
  auto options = read({"m", "--streams", "3", "--requests", "7",
                       "--prompt-tokens", "9", "--max-tokens", "11", "--json"});
  EXPECT_EQ(options.streams, 3U);
  EXPECT_EQ(options.requests, 7U);
  EXPECT_EQ(options.prompt_tokens, 9U);
  EXPECT_EQ(options.max_tokens, 11U);
  EXPECT_TRUE(options.as_json);
  EXPECT_FALSE(read({"m"}).as_json);
  EXPECT_THAT(config_error_of([&] {
                read({"m", "--streams", "0"});
              }),
              HasSubstr("1 to 4096"));
  EXPECT_THAT(config_error_of([&] {
                read({"m", "--requests", "50001", "--max-tokens", "1000"});
              }),
              HasSubstr("50001000"));
}

} // namespace
} // namespace model_server
