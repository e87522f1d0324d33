// The command line: models and devices, precedence, and every refusal.
#include "config/command_line.hpp"

#include "config/help_text.hpp"
#include "config/option_table.hpp"
#include "config/version.hpp"
#include "tests/config/config_error_of.hpp"
#include "tests/models/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace model_server {

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::config_error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// A working directory, an environment, and the models `a`, `b` and `org/c`.
class command_line_test : public ::testing::Test {
protected:
  command_line_test() {
    folder.write("config.json",
                 R"({"a": {"name": "echo"}, "b": {"name": "echo"},
                     "org/c": {"name": "echo", "batch_size": 3}})");
  }

  std::variant<settings, early_exit> run(std::vector<std::string> arguments) {
    surroundings around;
    around.variable =
        [this](const std::string& name) -> std::optional<std::string> {
      auto found = environment.find(name);
      if (found == environment.end())
        return std::nullopt;
      return found->second;
    };
    around.working_directory = folder.path();
    around.program = folder.path() / "bin" / "model_api";
    around.entries = {"echo"};
    std::vector<const char*> pointers{"model_api"};
    for (const auto& argument : arguments)
      pointers.push_back(argument.c_str());
    return load_settings(static_cast<int>(pointers.size()), pointers.data(),
                         around);
  }

  settings load(std::vector<std::string> arguments) {
    return std::get<settings>(run(std::move(arguments)));
  }

  std::string error_of(std::vector<std::string> arguments) {
    return config_error_of([&] { run(std::move(arguments)); });
  }

  std::vector<std::string> devices_of(const std::string& model,
                                      std::vector<std::string> arguments) {
    for (auto& known : load(std::move(arguments)).models)
      if (known.name == model)
        return known.start_devices;
    return {"no such model"};
  }

  testing::temporary_folder folder;
  std::map<std::string, std::string> environment;
};

TEST_F(command_line_test, nothing_given_is_the_defaults) {
  auto all = load({});
  EXPECT_EQ(all.http.port, 9999);
  EXPECT_EQ(all.http.address, "127.0.0.1");
  EXPECT_EQ(all.serving.batch_size, 8u);
  EXPECT_FALSE(all.log.contents);
  EXPECT_EQ(all.models.size(), 3u);
  for (const auto& model : all.models)
    EXPECT_THAT(model.start_devices, IsEmpty());
}

// -- models and devices -------------------------------------------------------

TEST_F(command_line_test, devices_belong_to_the_model_before_them) {
  std::vector<std::string> line{"--model", "a",        "--device", "cuda:0",
                                "cuda:1",  "--port",   "9998",     "--model",
                                "org/c",   "--device", "cpu"};
  EXPECT_THAT(devices_of("a", line), ElementsAre("cuda:0", "cuda:1"));
  EXPECT_THAT(devices_of("org/c", line), ElementsAre("cpu"));
  EXPECT_THAT(devices_of("b", line), IsEmpty());
  EXPECT_EQ(load(line).http.port, 9998);
}

TEST_F(command_line_test, without_a_device_the_server_chooses) {
  std::vector<std::string> line{"--model", "a",        "--model",
                                "b",       "--device", "cpu"};
  EXPECT_THAT(devices_of("a", line), ElementsAre(""));
  EXPECT_THAT(devices_of("b", line), ElementsAre("cpu"));
}

TEST_F(command_line_test, a_device_option_may_be_repeated) {
  std::vector<std::string> line{
      "--model=a", "--device=cuda:0", "--device", "node-b/cuda:0", "--model",
      "a",         "--device",        "cpu"};
  EXPECT_THAT(devices_of("a", line),
              ElementsAre("cuda:0", "node-b/cuda:0", "cpu"));
}

TEST_F(command_line_test, refuses_a_device_before_any_model) {
  EXPECT_EQ(error_of({"--device", "cpu", "--model", "a"}),
            "--device cpu stands before any --model; name the model first");
}

TEST_F(command_line_test, refuses_a_device_given_twice_for_a_model) {
  EXPECT_EQ(error_of({"--model", "a", "--device", "cpu", "cpu"}),
            "device cpu is given twice for model a");
  EXPECT_EQ(error_of({"--model", "a", "--model", "b", "--model", "a"}),
            "model a is named twice without a device");
  EXPECT_EQ(error_of({"--model", "a", "--device", "cpu", "--model", "b",
                      "--device", "cpu"}),
            "");
}

TEST_F(command_line_test, refuses_what_cannot_be_a_device) {
  for (std::string device : {"cpu,cuda:0", "cuda 0", "-1", "x;y"})
    EXPECT_EQ(error_of({"--model", "a", "--device", device}),
              "--device is \"" + device
                  + "\", but a device such as cpu or cuda:0, several separated "
                    "by spaces, is needed");
  EXPECT_THAT(error_of({"--model", "a", "--device", std::string(129, 'x')}),
              StartsWith("--device is \"xxx"));
  EXPECT_EQ(error_of({"--model", "a", "--device", "[cpu,cuda:0]"}),
            "--device takes devices separated by spaces, not [...]");
}

TEST_F(command_line_test, refuses_an_unknown_model_and_lists_the_known) {
  EXPECT_EQ(error_of({"--model", "d"}),
            "--model is \"d\", but there is no such model; known are a, b, "
            "org/c");
  EXPECT_THAT(
      error_of({"--model", "../d"}),
      StartsWith("--model is \"../d\", but a model name (1 to 128 of "));
}

TEST_F(command_line_test, lists_at_most_twenty_models) {
  std::string text = "{";
  for (int i = 0; i < 23; ++i)
    text += "\"m" + std::to_string(i) + R"(": {"name": "echo"},)";
  folder.write("config.json", text + "}");
  EXPECT_THAT(error_of({"--model", "x"}), HasSubstr("m19 and 3 more"));
}

TEST_F(command_line_test, says_how_to_make_a_model_known_when_none_is) {
  fs::remove(folder.path() / "config.json");
  EXPECT_EQ(error_of({"--model", "a"}),
            "--model is \"a\", but there is no such model; none is known; name "
            "it in config.json or put its folder into the models folder");
}

// -- the list of models -------------------------------------------------------

TEST_F(command_line_test, reads_the_file_that_config_names) {
  folder.write("other.json", R"({"z": {"name": "echo"}})");
  auto models = load({"--config", "other.json"}).models;
  ASSERT_EQ(models.size(), 1u);
  EXPECT_EQ(models[0].name, "z");
}

TEST_F(command_line_test, refuses_a_config_that_is_not_there) {
  EXPECT_EQ(error_of({"--config", "none.json"}),
            (folder.path() / "none.json").string() + " cannot be opened");
}

TEST_F(command_line_test, names_file_line_and_key_of_a_bad_config) {
  folder.write("config.json", "{\n\"a\": {\"name\": \"ecko\"}}");
  EXPECT_EQ(error_of({}),
            (folder.path() / "config.json").string()
                + ", line 2: \"a.name\" is \"ecko\", which is no entry; known "
                  "are echo");
}

TEST_F(command_line_test, config_wins_over_a_folder_of_the_same_name) {
  for (auto name : {"a", "found"}) {
    fs::create_directories(folder.path() / "models" / name);
    folder.write(std::string{"models/"} + name + "/config.json", "{}");
  }
  auto models = load({}).models;
  ASSERT_EQ(models.size(), 4u);
  EXPECT_EQ(models[0].name, "a");
  EXPECT_EQ(models[0].entry, "echo");
  EXPECT_EQ(models[3].name, "found");
  EXPECT_EQ(models[3].entry, "causal_lm");
}

TEST_F(command_line_test, looks_into_the_folder_that_models_dir_names) {
  fs::create_directories(folder.path() / "mine" / "x");
  folder.write("mine/x/config.json", "{}");
  EXPECT_THAT(devices_of("x", {"--models-dir", "mine", "--model", "x"}),
              ElementsAre(""));
  EXPECT_EQ(error_of({"--models-dir", "none"}),
            "the models folder \"none\" is not there");
}

// -- precedence ---------------------------------------------------------------

TEST_F(command_line_test, the_command_line_wins_over_the_environment) {
  environment["MODEL_SERVER_PORT"] = "1000";
  EXPECT_EQ(load({}).http.port, 1000);
  EXPECT_EQ(load({"--port", "2000"}).http.port, 2000);
}

TEST_F(command_line_test, every_option_is_read_from_the_environment) {
  environment = {{"MODEL_SERVER_READ_TIMEOUT", "500ms"},
                 {"MODEL_SERVER_LOG_FORMAT", "json"},
                 {"MODEL_SERVER_LOG_CONTENTS", "yes"},
                 {"MODEL_SERVER_NODE_NAME", "box-1"},
                 {"MODEL_SERVER_ADDRESS", "::1"}};
  auto all = load({});
  EXPECT_EQ(all.http.read_timeout, 500ms);
  EXPECT_EQ(all.log.format, log_format::json);
  EXPECT_TRUE(all.log.contents);
  EXPECT_EQ(all.node_name, "box-1");
  EXPECT_EQ(all.http.address, "::1");
}

TEST_F(command_line_test, batch_size_has_a_short_variable_too) {
  environment["BATCH_SIZE"] = "5";
  EXPECT_EQ(load({}).serving.batch_size, 5u);
  environment["MODEL_SERVER_BATCH_SIZE"] = "6";
  EXPECT_EQ(load({}).serving.batch_size, 6u);
  EXPECT_EQ(load({"--batch-size", "7"}).serving.batch_size, 7u);
  EXPECT_EQ(load({"--batch-size", "7"}).models[2].batch_size, 3u);
}

TEST_F(command_line_test, an_empty_variable_counts_as_not_set) {
  environment["MODEL_SERVER_PORT"] = "";
  EXPECT_EQ(load({}).http.port, 9999);
}

TEST_F(command_line_test, names_the_variable_with_a_bad_value) {
  environment["MODEL_SERVER_PORT"] = "tcp://10.0.0.1:9999";
  EXPECT_EQ(error_of({}),
            "MODEL_SERVER_PORT is \"tcp://10.0.0.1:9999\", but a whole number "
            "from 0 to 65535 is needed");
  environment.clear();
  environment["BATCH_SIZE"] = "many";
  EXPECT_EQ(error_of({}), "BATCH_SIZE is \"many\", but a whole number from 1 "
                          "to 1024 is needed");
}

TEST_F(command_line_test, model_and_devices_may_come_from_the_environment) {
  environment = {{"MODEL_SERVER_MODEL", "a"},
                 {"MODEL_SERVER_DEVICE", "cuda:0, cpu"}};
  EXPECT_THAT(devices_of("a", {}), ElementsAre("cuda:0", "cpu"));
  EXPECT_THAT(devices_of("a", {"--model", "b"}), IsEmpty());
  environment.erase("MODEL_SERVER_DEVICE");
  EXPECT_THAT(devices_of("a", {}), ElementsAre(""));
}

TEST_F(command_line_test, names_the_variable_of_a_bad_model_or_device) {
  environment["MODEL_SERVER_DEVICE"] = "cpu";
  EXPECT_EQ(error_of({}), "MODEL_SERVER_DEVICE is set, but MODEL_SERVER_MODEL "
                          "is not; name the model too");
  environment["MODEL_SERVER_MODEL"] = "x";
  EXPECT_THAT(error_of({}), StartsWith("MODEL_SERVER_MODEL is \"x\", but there "
                                       "is no such model"));
  environment["MODEL_SERVER_MODEL"] = "a";
  environment["MODEL_SERVER_DEVICE"] = "cpu ;";
  EXPECT_THAT(error_of({}), StartsWith("MODEL_SERVER_DEVICE is \";\", but a "
                                       "device such as"));
}

// -- every option -------------------------------------------------------------

TEST_F(command_line_test, every_option_reaches_its_field) {
  auto all = load({"--address",
                   "0.0.0.0",
                   "--port",
                   "1",
                   "--http-threads",
                   "2",
                   "--max-connections",
                   "3",
                   "--max-body-bytes",
                   "4",
                   "--max-unsent-bytes",
                   "4096",
                   "--read-timeout",
                   "6s",
                   "--write-timeout",
                   "7s",
                   "--ping-interval",
                   "8s",
                   "--batch-size",
                   "9",
                   "--max-queued",
                   "10",
                   "--threads",
                   "11",
                   "--virtual-devices",
                   "12",
                   "--max-attempts",
                   "13",
                   "--credit",
                   "14",
                   "--request-timeout",
                   "15s",
                   "--worker-wait",
                   "16s",
                   "--drain-timeout",
                   "17s",
                   "--restart-pause",
                   "18s",
                   "--restart-pause-most",
                   "19s",
                   "--log-format",
                   "json",
                   "--log-level",
                   "error",
                   "--node-name",
                   "n",
                   "--isolation",
                   "thread",
                   "--log-contents"});
  EXPECT_EQ(all.http.address, "0.0.0.0");
  EXPECT_EQ(all.http.port, 1);
  EXPECT_EQ(all.http.threads, 2u);
  EXPECT_EQ(all.http.max_connections, 3u);
  EXPECT_EQ(all.http.max_body_bytes, 4u);
  EXPECT_EQ(all.http.max_unsent_bytes, 4096u);
  EXPECT_EQ(all.http.read_timeout, 6s);
  EXPECT_EQ(all.http.write_timeout, 7s);
  EXPECT_EQ(all.http.ping_interval, 8s);
  EXPECT_EQ(all.serving.batch_size, 9u);
  EXPECT_EQ(all.serving.max_queued, 10u);
  EXPECT_EQ(all.serving.threads, 11u);
  EXPECT_EQ(all.serving.virtual_devices, 12u);
  EXPECT_EQ(all.serving.max_attempts, 13u);
  EXPECT_EQ(all.serving.credit, 14u);
  EXPECT_EQ(all.serving.request_timeout, 15s);
  EXPECT_EQ(all.serving.worker_wait, 16s);
  EXPECT_EQ(all.serving.drain_timeout, 17s);
  EXPECT_EQ(all.serving.restart_pause, 18s);
  EXPECT_EQ(all.serving.restart_pause_most, 19s);
  EXPECT_EQ(all.log.format, log_format::json);
  EXPECT_EQ(all.log.level, log_level::error);
  EXPECT_TRUE(all.log.contents);
  EXPECT_EQ(all.node_name, "n");
}

TEST_F(command_line_test, ranges_end_where_they_say) {
  struct range {
    const char* option;
    const char* least;
    const char* most;
    const char* below; // null: nothing is below 0
    const char* above;
  };
  for (const auto& [option, least, most, below, above] : {
           range{"--port", "0", "65535", nullptr, "65536"},
           range{"--http-threads", "1", "64", "0", "65"},
           range{"--max-connections", "0", "1000000", nullptr, "1000001"},
           range{"--max-body-bytes", "1", "1073741824", "0", "1073741825"},
           range{"--max-unsent-bytes", "4096", "1073741824", "4095",
                 "1073741825"},
           range{"--read-timeout", "10ms", "24h", "9ms", "86401"},
           range{"--write-timeout", "10ms", "24h", "9ms", "86401"},
           range{"--ping-interval", "10ms", "1h", "9ms", "3601"},
           range{"--batch-size", "1", "1024", "0", "1025"},
           range{"--max-queued", "1", "1000000", "0", "1000001"},
           range{"--threads", "0", "1024", nullptr, "1025"},
           range{"--virtual-devices", "0", "64", nullptr, "65"},
           range{"--max-attempts", "1", "100", "0", "101"},
           range{"--credit", "1", "1000000", "0", "1000001"},
           range{"--request-timeout", "10ms", "24h", "9ms", "86401"},
           range{"--worker-wait", "0s", "24h", nullptr, "86401"},
           range{"--drain-timeout", "0s", "24h", nullptr, "86401"},
           range{"--restart-pause", "1ms", "30s", "0s", "3601"},
           range{"--restart-pause-most", "1s", "24h", "0s", "86401"},
       }) {
    EXPECT_EQ(error_of({option, least}), "");
    EXPECT_EQ(error_of({option, most}), "");
    for (const auto* value : {below, above}) {
      if (value != nullptr) {
        EXPECT_THAT(
            error_of({option, value}),
            StartsWith(std::string{option} + " is \"" + value + "\", but a "));
      }
    }
  }
}

TEST_F(command_line_test, refuses_words_that_are_no_choice) {
  EXPECT_EQ(error_of({"--log-format", "xml"}),
            "--log-format is \"xml\", but text or json is needed");
  EXPECT_EQ(error_of({"--log-level", "loud"}),
            "--log-level is \"loud\", but debug, info, warning or error is "
            "needed");
  EXPECT_EQ(error_of({"--isolation", "process"}),
            "--isolation is \"process\", which this version does not have; use "
            "thread");
  EXPECT_EQ(error_of({"--isolation", "none"}),
            "--isolation is \"none\", but thread is needed");
  EXPECT_EQ(error_of({"--log-contents=maybe"}),
            "--log-contents is \"maybe\", but true or false is needed");
  EXPECT_FALSE(load({"--log-contents=false"}).log.contents);
}

TEST_F(command_line_test, refuses_bad_addresses_names_and_paths) {
  EXPECT_EQ(load({"--address", "localhost"}).http.address, "127.0.0.1");
  EXPECT_EQ(error_of({"--address", "example.org"}),
            "--address is \"example.org\", but an IPv4 or IPv6 address such as "
            "127.0.0.1 or 0.0.0.0 is needed");
  EXPECT_EQ(error_of({"--node-name", "a/b"}),
            "--node-name is \"a/b\", but 1 to 64 of A-Z a-z 0-9 . _ - is "
            "needed");
  EXPECT_EQ(error_of({"--node-name", std::string(64, 'n')}), "");
  EXPECT_NE(error_of({"--node-name", std::string(65, 'n')}), "");
  EXPECT_EQ(error_of({"--config", ""}),
            "--config is \"\", but a path is needed");
}

TEST_F(command_line_test, pauses_of_restarts_must_be_in_order) {
  EXPECT_EQ(error_of({"--restart-pause", "3s", "--restart-pause-most", "2s"}),
            "--restart-pause 3s is longer than --restart-pause-most 2s");
}

TEST_F(command_line_test, refuses_what_is_no_option) {
  EXPECT_EQ(error_of({"--prot", "1"}),
            "\"--prot\" is no option; --help lists them");
  EXPECT_EQ(error_of({"tiny-chat"}),
            "\"tiny-chat\" is no option; --help lists them");
  EXPECT_EQ(error_of({"--port", "1", "2"}),
            "\"2\" is no option; --help lists them");
}

TEST_F(command_line_test, refuses_an_option_without_a_value_or_given_twice) {
  EXPECT_EQ(error_of({"--port"}), "--port needs a value");
  EXPECT_EQ(error_of({"--model"}), "--model needs a value");
  EXPECT_EQ(error_of({"--model", "a", "--device"}), "--device needs a value");
  EXPECT_EQ(error_of({"--port", "1", "--port", "2"}),
            "--port is given 2 times");
  EXPECT_EQ(error_of({"--log-contents", "--log-contents"}),
            "--log-contents is given 2 times");
}

TEST_F(command_line_test, every_error_is_one_sentence) {
  auto error = error_of({"--node-name", "two\nlines"});
  EXPECT_EQ(error.find('\n'), std::string::npos);
}

// -- help and version ---------------------------------------------------------

TEST_F(command_line_test, help_names_every_option_variable_and_default) {
  auto text = std::get<early_exit>(run({"--help"})).text;
  for (const auto& line : option_table()) {
    EXPECT_THAT(text, HasSubstr("  --" + line.name));
    EXPECT_THAT(text, HasSubstr("[" + variable_of(line.name)));
    EXPECT_THAT(line.limits, HasSubstr("default"));
  }
  EXPECT_THAT(text, HasSubstr("(0 to 65535, default 9999)"));
  EXPECT_THAT(text, HasSubstr("[MODEL_SERVER_BATCH_SIZE or BATCH_SIZE]"));
  EXPECT_THAT(text, HasSubstr("[MODEL_SERVER_MODEL]"));
  std::size_t begin = 0;
  for (auto end = text.find('\n'); end != text.npos;
       begin = end + 1, end = text.find('\n', begin))
    EXPECT_LE(end - begin, 100u) << text.substr(begin, end - begin);
}

TEST_F(command_line_test, help_and_version_win_over_bad_options) {
  environment["MODEL_SERVER_PORT"] = "bad";
  EXPECT_EQ(std::get<early_exit>(run({"-h", "--prot"})).text, help_text());
  EXPECT_EQ(std::get<early_exit>(run({"--version"})).text,
            "model_api " + std::string{server_version()} + "\n");
  EXPECT_THAT(std::string{server_version()},
              ::testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
}

TEST(process_surroundings_test, are_those_of_this_process) {
  auto around = process_surroundings({"echo"});
  EXPECT_EQ(around.working_directory, fs::current_path());
  EXPECT_EQ(around.program.filename(), "config_test");
  EXPECT_NE(around.variable("PATH"), std::nullopt);
  EXPECT_EQ(around.variable("MODEL_SERVER_NO_SUCH_VARIABLE"), std::nullopt);
}

} // namespace

} // namespace model_server
