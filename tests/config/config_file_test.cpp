// config.json: what is read from it, and file, line and key of each error.
#include "config/config_file.hpp"
#include "config/model_json.hpp"

#include "tests/config/config_error_of.hpp"
#include "tests/models/temporary_folder.hpp"

#include <gtest/gtest.h>

namespace model_server {

namespace {

using testing::config_error_of;
using testing::temporary_folder;

const std::vector<std::string> entries{"echo", "causal_lm"};

std::vector<model_setting> parse(std::string_view text) {
  return parse_config(text, "config.json", entries);
}

std::string error_in(std::string_view text) {
  return config_error_of([&] { parse(text); });
}

TEST(config_file_test, reads_the_form_of_the_contract) {
  auto models = parse(R"({
    "internal_model_name": {
      "name": "causal_lm",
      "params": {"path": "models/tiny-chat", "n": -3, "x": 0.5, "on": true}
    },
    "org/other": {"name": "echo", "params": ["a", 2, false], "batch_size": 32}
  })");
  ASSERT_EQ(models.size(), 2u);
  EXPECT_EQ(models[0].name, "internal_model_name");
  EXPECT_EQ(models[0].entry, "causal_lm");
  EXPECT_EQ(models[0].batch_size, 0u);
  EXPECT_TRUE(models[0].start_devices.empty());
  entry_params named{false,
                     {{"path", "models/tiny-chat"},
                      {"n", std::int64_t{-3}},
                      {"x", 0.5},
                      {"on", true}}};
  EXPECT_EQ(models[0].params, named);
  EXPECT_EQ(models[1].name, "org/other");
  EXPECT_EQ(models[1].batch_size, 32u);
  entry_params listed{true, {{"", "a"}, {"", std::int64_t{2}}, {"", false}}};
  EXPECT_EQ(models[1].params, listed);
}

TEST(config_file_test, reads_comments_trailing_commas_and_a_byte_order_mark) {
  auto models = parse("\xEF\xBB\xBF// first\n{ /* a\n b */ \"m\": {\"name\": "
                      "\"echo\", \"params\": [1, 2,],}, // end\n}\n// last");
  ASSERT_EQ(models.size(), 1u);
  EXPECT_EQ(models[0].params.values.size(), 2u);
}

TEST(config_file_test, params_may_be_absent_or_empty) {
  EXPECT_EQ(parse(R"({"m": {"name": "echo"}})")[0].params, entry_params{});
  EXPECT_EQ(parse(R"({"m": {"params": {}, "name": "echo"}})")[0].params,
            entry_params{});
  EXPECT_TRUE(parse("{}").empty());
}

TEST(config_file_test, refuses_bad_and_repeated_model_names) {
  EXPECT_EQ(error_in("{\n\"../x\": {}}"),
            "config.json, line 2: \"../x\" is no model name; one is 1 to 128 "
            "of A-Z a-z 0-9 . _ : - with / between parts, of which none begins "
            "with a dot");
  EXPECT_EQ(error_in("{\"a\": {\"name\": \"echo\"},\n\n\"a\": {}}"),
            "config.json, line 3: \"a\" is given twice");
}

TEST(config_file_test, refuses_unknown_and_repeated_keys) {
  EXPECT_EQ(error_in("{\"a\": {\n\"nmae\": \"echo\"}}"),
            "config.json, line 2: \"a.nmae\" is no key of a model; known are "
            "name, params, batch_size, load, keep_alive");
  EXPECT_EQ(error_in("{\"a\": {\"name\": \"echo\",\n\"name\": \"echo\"}}"),
            "config.json, line 2: \"a.name\" is given twice");
  EXPECT_EQ(error_in("{\"a\": {\"params\": {\"x\": 1,\n\n\"x\": 2}}}"),
            "config.json, line 3: \"a.params.x\" is given twice");
}

TEST(config_file_test, reads_when_a_model_is_loaded_and_how_long_it_stays) {
  using namespace std::chrono_literals;
  auto read = [](std::string_view keys) {
    return parse(R"({"m": {"name": "echo")" + std::string{keys} + "}}").at(0);
  };
  EXPECT_EQ(read("").load, std::nullopt);
  EXPECT_EQ(read("").keep_alive, std::nullopt);
  EXPECT_EQ(read(R"(, "load": "on_demand")").load, load_mode::on_demand);
  EXPECT_EQ(read(R"(, "load": "manual")").load, load_mode::manual);
  EXPECT_EQ(read(R"(, "keep_alive": 90)").keep_alive, 90s);
  EXPECT_EQ(read(R"(, "keep_alive": 0)").keep_alive, 0s);
  EXPECT_EQ(read(R"(, "keep_alive": 0.25)").keep_alive, 250ms);
  EXPECT_EQ(read(R"(, "keep_alive": "10m")").keep_alive, 600s);
  EXPECT_EQ(read(R"(, "keep_alive": -1)").keep_alive, for_ever);
  EXPECT_EQ(error_in(R"({"m": {"load": "always"}})"),
            "config.json, line 1: \"m.load\" is \"always\", but manual or "
            "on_demand is needed");
  EXPECT_EQ(error_in(R"({"m": {"keep_alive": -2}})"),
            "config.json, line 1: \"m.keep_alive\" is \"-2\", but a duration "
            "from 0s to 720h, or -1 for ever, is needed");
  EXPECT_EQ(error_in(R"({"m": {"keep_alive": true}})"),
            "config.json, line 1: \"m.keep_alive\" is true, but a number of "
            "seconds, a text such as 10m, or -1 for ever is needed");
}

TEST(config_file_test, a_setting_is_read_as_it_was_written) {
  using namespace std::chrono_literals;
  model_setting model;
  model.name = "org/m";
  model.entry = "echo";
  model.params.values.emplace_back("prefix", "x");
  model.batch_size = 3;
  EXPECT_EQ(parse(to_config_json(model)).at(0), model);
  model.load = load_mode::on_demand;
  for (auto keep_alive : {std::chrono::milliseconds{1'500}, for_ever, 0ms}) {
    model.keep_alive = keep_alive;
    EXPECT_EQ(parse(to_config_json(model)).at(0), model);
  }
}

TEST(config_file_test, names_the_entries_when_one_is_unknown_or_missing) {
  EXPECT_EQ(error_in("{\"a\": {\n\"name\": \"ecko\"}}"),
            "config.json, line 2: \"a.name\" is \"ecko\", which is no entry; "
            "known are echo, causal_lm");
  EXPECT_EQ(error_in("{\n\"a\": {\n\"params\": []\n}\n}"),
            "config.json, line 2: \"a\" has no \"name\"; the entry that runs "
            "the model belongs there: echo, causal_lm");
}

TEST(config_file_test, refuses_values_of_another_type) {
  EXPECT_EQ(error_in("\n[]"), "config.json, line 2: the file holds a list, but "
                              "an object is needed whose keys are the model "
                              "names");
  EXPECT_EQ(error_in("7"), "config.json, line 1: the file holds a number, but "
                           "an object is needed whose keys are the model "
                           "names");
  EXPECT_EQ(error_in(R"({"a": "echo"})"),
            "config.json, line 1: \"a\" is a text, but an object with name and "
            "params is needed");
  EXPECT_EQ(error_in(R"({"a": {"name": 5}})"),
            "config.json, line 1: \"a.name\" is a number, but the name of an "
            "entry is needed");
  EXPECT_EQ(error_in(R"({"a": {"params": true}})"),
            "config.json, line 1: \"a.params\" is true, but a list or an "
            "object is needed");
  EXPECT_EQ(error_in(R"({"a": {"batch_size": 1.5}})"),
            "config.json, line 1: \"a.batch_size\" is a fraction, but a whole "
            "number is needed");
  EXPECT_EQ(error_in(R"({"a": {"params": {"p": null}}})"),
            "config.json, line 1: \"a.params.p\" is null, but text, a number, "
            "true or false is needed");
  EXPECT_EQ(error_in(R"({"a": {"params": [1, {}]}})"),
            "config.json, line 1: \"a.params[1]\" is an object, but text, a "
            "number, true or false is needed");
  EXPECT_EQ(error_in(R"({"a": {"params": {"p": [1]}}})"),
            "config.json, line 1: \"a.params.p\" is a list, but text, a "
            "number, true or false is needed");
}

TEST(config_file_test, checks_the_range_of_numbers) {
  EXPECT_EQ(parse(R"({"a": {"name": "echo", "batch_size": 1}})")[0].batch_size,
            1u);
  EXPECT_EQ(
      parse(R"({"a": {"name": "echo", "batch_size": 1024}})")[0].batch_size,
      1024u);
  for (std::string number : {"0", "1025", "-4"})
    EXPECT_EQ(error_in(R"({"a": {"batch_size": )" + number + "}}"),
              "config.json, line 1: \"a.batch_size\" is " + number
                  + ", but a whole number from 1 to 1024 is needed");
  EXPECT_EQ(error_in(R"({"a": {"params": [9223372036854775808]}})"),
            "config.json, line 1: \"a.params[0]\" is 9223372036854775808, but "
            "whole numbers end at 9223372036854775807");
}

TEST(config_file_test, says_where_the_text_is_not_json) {
  EXPECT_EQ(error_in(""), "config.json, line 1: not JSON: The document is "
                          "empty.");
  EXPECT_EQ(error_in("{\"a\": {\"name\": \"echo\"\n\"params\": []}}"),
            "config.json, line 2: not JSON at or after \"a.name\": Missing a "
            "comma or '}' after an object member.");
  EXPECT_EQ(error_in("{}\n{}"),
            "config.json, line 2: not JSON: The document root must not be "
            "followed by other values.");
  EXPECT_EQ(error_in("{\"a\": {\"params\": {\"p\": \"\xFF\"}}}"),
            "config.json, line 1: not JSON at or after \"a.params.p\": Invalid "
            "encoding in string.");
  EXPECT_EQ(error_in("{\"a\": {\"params\": [nul]}}"),
            "config.json, line 1: not JSON at or after \"a.params[0]\": "
            "Invalid value.");
  EXPECT_EQ(error_in(std::string_view{"{\n}\0garbage", 11}),
            "config.json, line 2: there is a NUL byte in the text");
}

TEST(config_file_test, takes_any_depth_without_harm) {
  for (auto opening : {"[", "{\"a\":"}) {
    std::string text = "{\"a\": {\"params\": ";
    for (int i = 0; i < 100'000; ++i)
      text += opening;
    EXPECT_NE(error_in(text), "");
  }
}

TEST(config_file_test, limits_the_number_of_params) {
  auto with = [](int count) {
    std::string text = R"({"a": {"name": "echo", "params": [)";
    for (int i = 0; i < count; ++i)
      text += "1,";
    return text + "]}}";
  };
  EXPECT_EQ(error_in(with(256)), "");
  EXPECT_EQ(error_in(with(257)),
            "config.json, line 1: \"a\" has more than 256 params");
}

TEST(config_file_test, names_files_that_cannot_be_used) {
  temporary_folder folder;
  auto read = [&](const std::filesystem::path& path) {
    return config_error_of([&] { read_config_file(path, entries); });
  };
  auto missing = folder.path() / "none.json";
  EXPECT_EQ(read(missing), missing.string() + " cannot be opened");
  EXPECT_EQ(read(folder.path()),
            folder.path().string() + " is a folder, not a file");
  auto bad = folder.write("bad.json", "\n\n7");
  EXPECT_TRUE(read(bad).starts_with(bad.string() + ", line 3: "));
  std::string spaces(max_config_bytes - 2, ' ');
  EXPECT_EQ(read(folder.write("full.json", spaces + "{}")), "");
  auto large = folder.write("large.json", spaces + "{} ");
  EXPECT_EQ(read(large), large.string() + " is larger than 1048576 bytes");
}

TEST(config_file_test, reads_the_example_that_ships) {
  auto all = std::vector<std::string>{"echo", "causal_lm", "plugin"};
  auto models = read_config_file("config/example.json", all);
  ASSERT_EQ(models.size(), 3u);
  EXPECT_EQ(models[0].entry, "echo");
  EXPECT_EQ(models[0].batch_size, 16u);
  EXPECT_TRUE(models[1].params.positional);
  EXPECT_EQ(models[2].params.values.front().first, "library");
}

} // namespace

} // namespace model_server
