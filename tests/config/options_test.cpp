// Options: precedence, every field, every range, every refusal, and the help.
#include "config/option_table.hpp"

#include "config/help_text.hpp"
#include "config/version.hpp"
#include "tests/config/command_line_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace model_server {

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class options_test : public testing::command_line_test {};

// -- precedence ---------------------------------------------------------------

TEST_F(options_test, the_command_line_wins_over_the_environment) {
  environment["MODEL_SERVER_PORT"] = "1000";
  EXPECT_EQ(load({}).http.port, 1000);
  EXPECT_EQ(load({"--port", "2000"}).http.port, 2000);
}

TEST_F(options_test, every_option_is_read_from_the_environment) {
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

TEST_F(options_test, batch_size_has_a_short_variable_too) {
  environment["BATCH_SIZE"] = "5";
  EXPECT_EQ(load({}).serving.batch_size, 5u);
  environment["MODEL_SERVER_BATCH_SIZE"] = "6";
  EXPECT_EQ(load({}).serving.batch_size, 6u);
  EXPECT_EQ(load({"--batch-size", "7"}).serving.batch_size, 7u);
  EXPECT_EQ(load({"--batch-size", "7"}).models[2].batch_size, 3u);
}

TEST_F(options_test, an_empty_variable_counts_as_not_set) {
  environment["MODEL_SERVER_PORT"] = "";
  EXPECT_EQ(load({}).http.port, 9999);
}

TEST_F(options_test, names_the_variable_with_a_bad_value) {
  environment["MODEL_SERVER_PORT"] = "tcp://10.0.0.1:9999";
  EXPECT_EQ(error_of({}),
            "MODEL_SERVER_PORT is \"tcp://10.0.0.1:9999\", but a whole number "
            "from 0 to 65535 is needed");
  environment.clear();
  environment["BATCH_SIZE"] = "many";
  EXPECT_EQ(error_of({}), "BATCH_SIZE is \"many\", but a whole number from 1 "
                          "to 1024 is needed");
}

TEST_F(options_test, model_and_devices_may_come_from_the_environment) {
  environment = {{"MODEL_SERVER_MODEL", "a"},
                 {"MODEL_SERVER_DEVICE", "cuda:0, cpu"}};
  EXPECT_THAT(devices_of("a", {}), ElementsAre("cuda:0", "cpu"));
  EXPECT_THAT(devices_of("a", {"--model", "b"}), IsEmpty());
  environment.erase("MODEL_SERVER_DEVICE");
  EXPECT_THAT(devices_of("a", {}), ElementsAre(""));
}

TEST_F(options_test, names_the_variable_of_a_bad_model_or_device) {
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

TEST_F(options_test, every_option_reaches_its_field) {
  auto all = load({"--address",
                   "127.0.0.2",
                   "--port",
                   "1",
                   "--http-threads",
                   "2",
                   "--max-connections",
                   "3",
                   "--max-body-bytes",
                   "4",
                   "--max-all-body-bytes",
                   "5",
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
                   "--max-queued-tokens",
                   "1000",
                   "--queue-timeout",
                   "20s",
                   "--memory-reserve-bytes",
                   "1001",
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
  EXPECT_EQ(all.http.address, "127.0.0.2");
  EXPECT_EQ(all.http.port, 1);
  EXPECT_EQ(all.http.threads, 2u);
  EXPECT_EQ(all.http.max_connections, 3u);
  EXPECT_EQ(all.http.max_body_bytes, 4u);
  EXPECT_EQ(all.http.max_all_body_bytes, 5u);
  EXPECT_EQ(all.http.max_unsent_bytes, 4096u);
  EXPECT_EQ(all.http.read_timeout, 6s);
  EXPECT_EQ(all.http.write_timeout, 7s);
  EXPECT_EQ(all.http.ping_interval, 8s);
  EXPECT_EQ(all.serving.batch_size, 9u);
  EXPECT_EQ(all.serving.max_queued, 10u);
  EXPECT_EQ(all.serving.max_queued_tokens, 1000u);
  EXPECT_EQ(all.serving.queue_timeout, 20s);
  EXPECT_EQ(all.serving.memory_reserve_bytes, 1001u);
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

TEST_F(options_test, those_of_loading_on_demand_reach_their_fields) {
  EXPECT_EQ(load({}).serving.load, load_mode::manual);
  EXPECT_EQ(load({}).serving.keep_alive, 300s);
  auto all = load({"--load", "on_demand", "--keep-alive", "20s",
                   "--load-timeout", "21s", "--cpu-memory-bytes", "22"});
  EXPECT_EQ(all.serving.load, load_mode::on_demand);
  EXPECT_EQ(all.serving.keep_alive, 20s);
  EXPECT_EQ(all.serving.load_timeout, 21s);
  EXPECT_EQ(all.serving.cpu_memory_bytes, 22u);
  EXPECT_EQ(load({"--keep-alive", "-1"}).serving.keep_alive, for_ever);
  EXPECT_EQ(error_of({"--keep-alive", "long"}),
            "--keep-alive is \"long\", but a duration from 0s to 720h, or -1 "
            "for ever, is needed");
  EXPECT_EQ(error_of({"--load", "never"}),
            "--load is \"never\", but manual or on_demand is needed");
}

TEST_F(options_test, ranges_end_where_they_say) {
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
           range{"--connections-per-address", "0", "1000000", nullptr,
                 "1000001"},
           range{"--max-body-bytes", "1", "268435456", "0", "1073741825"},
           range{"--max-all-body-bytes", "4194304", "8589934592", "0",
                 "68719476737"},
           range{"--max-unsent-bytes", "4096", "1073741824", "4095",
                 "1073741825"},
           range{"--read-timeout", "10ms", "24h", "9ms", "86401"},
           range{"--write-timeout", "10ms", "24h", "9ms", "86401"},
           range{"--ping-interval", "10ms", "1h", "9ms", "3601"},
           range{"--batch-size", "1", "1024", "0", "1025"},
           range{"--max-queued", "1", "1000000", "0", "1000001"},
           range{"--max-queued-tokens", "0", "1099511627776", nullptr,
                 "1099511627777"},
           range{"--queue-timeout", "0s", "24h", nullptr, "86401"},
           range{"--memory-reserve-bytes", "0", "1125899906842624", nullptr,
                 "1125899906842625"},
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

TEST_F(options_test, refuses_words_that_are_no_choice) {
  EXPECT_EQ(error_of({"--log-format", "xml"}),
            "--log-format is \"xml\", but text or json is needed");
  EXPECT_EQ(error_of({"--log-level", "loud"}),
            "--log-level is \"loud\", but debug, info, warning or error is "
            "needed");
  EXPECT_EQ(error_of({"--isolation", "none"}),
            "--isolation is \"none\", but process or thread is needed");
  EXPECT_EQ(error_of({"--log-contents=maybe"}),
            "--log-contents is \"maybe\", but true or false is needed");
  EXPECT_FALSE(load({"--log-contents=false"}).log.contents);
}

TEST_F(options_test, refuses_bad_addresses_names_and_paths) {
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

TEST_F(options_test, pauses_of_restarts_must_be_in_order) {
  EXPECT_EQ(error_of({"--restart-pause", "3s", "--restart-pause-most", "2s"}),
            "--restart-pause 3s is longer than --restart-pause-most 2s");
}

TEST_F(options_test, one_body_must_fit_into_those_of_all_requests) {
  EXPECT_EQ(error_of({"--max-body-bytes", "9", "--max-all-body-bytes", "8"}),
            "--max-body-bytes 9 is more than --max-all-body-bytes 8");
}

TEST_F(options_test, refuses_what_is_no_option) {
  EXPECT_EQ(error_of({"--prot", "1"}),
            "\"--prot\" is no option; --help lists them");
  EXPECT_EQ(error_of({"tiny-chat"}),
            "\"tiny-chat\" is no option; --help lists them");
  EXPECT_EQ(error_of({"--port", "1", "2"}),
            "\"2\" is no option; --help lists them");
}

TEST_F(options_test, refuses_an_option_without_a_value_or_given_twice) {
  EXPECT_EQ(error_of({"--port"}), "--port needs a value");
  EXPECT_EQ(error_of({"--model"}), "--model needs a value");
  EXPECT_EQ(error_of({"--model", "a", "--device"}), "--device needs a value");
  EXPECT_EQ(error_of({"--port", "1", "--port", "2"}),
            "--port is given 2 times");
  EXPECT_EQ(error_of({"--log-contents", "--log-contents"}),
            "--log-contents is given 2 times");
}

TEST_F(options_test, every_error_is_one_sentence) {
  auto error = error_of({"--node-name", "two\nlines"});
  EXPECT_EQ(error.find('\n'), std::string::npos);
}

// -- help and version ---------------------------------------------------------

TEST_F(options_test, help_names_every_option_variable_and_default) {
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

TEST_F(options_test, help_and_version_win_over_bad_options) {
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
