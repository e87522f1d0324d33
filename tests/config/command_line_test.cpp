// The command line: models, their devices, and the list of models.
#include "config/command_line.hpp"

#include "config/model_files.hpp"
#include "tests/config/command_line_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace model_server {

namespace {

namespace fs = std::filesystem;
using testing::command_line_test;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

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
  for (std::string device :
       {"cpu,cuda:0", "cuda 0", "-1", "x;y", "[cpu]", "[a,b]"})
    EXPECT_EQ(error_of({"--model", "a", "--device", device}),
              "--device is \"" + device
                  + "\", but a device such as cpu or cuda:0, several separated "
                    "by spaces, is needed");
  EXPECT_THAT(error_of({"--model", "a", "--device", std::string(129, 'x')}),
              StartsWith("--device is \"xxx"));
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

TEST_F(command_line_test, reads_the_config_of_the_installation_without_one) {
  fs::create_directories(folder.path() / "etc" / "model-server");
  folder.write("etc/model-server/config.json", R"({"z": {"name": "echo"}})");
  fs::remove(folder.path() / "config.json");
  EXPECT_THAT(load({}).models, IsEmpty());
  fs::create_directories(folder.path() / "share" / "model-server");
  ASSERT_EQ(load({}).models.size(), 1u);
  EXPECT_EQ(load({}).models[0].name, "z");
  folder.write("config.json", R"({"own": {"name": "echo"}})");
  EXPECT_EQ(load({}).models[0].name, "own");
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

TEST_F(command_line_test, models_can_be_read_again_where_they_were_found) {
  auto first = load({});
  surroundings around;
  around.working_directory = folder.path();
  around.entries = {"echo"};
  auto files = first.files;
  EXPECT_EQ(find_models(files, around), first.models);
  folder.write("config.json", R"({"d": {"name": "echo"}})");
  EXPECT_EQ(find_models(files, around).at(0).name, "d");
  // What is gone was hardly meant to remove every model.
  fs::remove(folder.path() / "config.json");
  auto error = model_server::testing::config_error_of(
      [&] { find_models(files, around); });
  EXPECT_THAT(error, HasSubstr("config.json cannot be opened"));
}

TEST_F(command_line_test, a_file_that_comes_later_is_found) {
  fs::remove(folder.path() / "config.json");
  auto files = load({}).files;
  EXPECT_EQ(files.config, "");
  surroundings around;
  around.working_directory = folder.path();
  around.entries = {"echo"};
  EXPECT_TRUE(find_models(files, around).empty());
  folder.write("config.json", R"({"d": {"name": "echo"}})");
  EXPECT_EQ(find_models(files, around).size(), 1u);
  fs::create_directory(folder.path() / "models");
  find_models(files, around);
  fs::remove(folder.path() / "models");
  auto error = model_server::testing::config_error_of(
      [&] { find_models(files, around); });
  EXPECT_THAT(error, HasSubstr("models"));
  EXPECT_THAT(error, HasSubstr("is not there"));
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
  EXPECT_EQ(error_of({"--models-dir", "config.json"}),
            "the models folder \"config.json\" is no folder");
  EXPECT_THAT(error_of({"--models-dir", std::string(5000, 'x')}),
              EndsWith("cannot be read: File name too long"));
}

} // namespace

} // namespace model_server
