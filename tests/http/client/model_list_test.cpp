// The models of a server and of a folder, in tables.
#include "config/model_folders.hpp"
#include "http/client/local_models.hpp"
#include "http/client/model_list.hpp"
#include "tests/models/temporary_folder.hpp"

#include <gmock/gmock.h>

#include <filesystem>

namespace model_server {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

TEST(model_list_test, shows_states_and_devices) {
  auto models = read_status(
      R"({"models":{)"
      R"("tiny":{"entry":"causal_lm","state":"ready","batch_size":8,"entities":[)"
      R"({"device":"cpu","node":"local","state":"ready","running":0},)"
      R"({"device":"cuda:0","node":"b","state":"loading","progress":0.4}]},)"
      R"("org/other":{"entry":"echo","state":"degraded","entities":[)"
      R"({"device":"cpu","node":"local","state":"failed","reason":"it\u001b died"}]},)"
      R"("idle":{"entry":"echo","state":"inactive","entities":[]}}})");
  EXPECT_EQ(model_table(models),
            "MODEL      STATE     ENTRY      DEVICES\n"
            "tiny       ready     causal_lm  cpu, b/cuda:0 (loading 40 %)\n"
            "org/other  degraded  echo       cpu (failed: it died)\n"
            "idle       inactive  echo\n");
}

TEST(model_list_test, refuses_what_is_no_status) {
  for (auto body : {"", "[]", "{}", R"({"models":[]})",
                    R"({"models":{"a":{"entities":{}}}})"})
    EXPECT_NE(error_of([&] { read_status(body); }), "") << body;
}

TEST(model_list_test, shows_what_is_told_to_those_who_may_only_call) {
  auto models = read_model_cards(
      R"({"object":"list","data":[{"id":"tiny","entry":"echo","state":"ready"},)"
      R"({"id":"other"}]})");
  EXPECT_EQ(model_table(models), "MODEL  STATE  ENTRY  DEVICES\n"
                                 "tiny   ready  echo\n"
                                 "other\n");
  for (auto body : {"{}", R"({"data":{}})", R"({"data":[{}]})"})
    EXPECT_NE(error_of([&] { read_model_cards(body); }), "") << body;
}

TEST(model_list_test, makes_columns_of_characters) {
  EXPECT_EQ(text_table({{"äö", "1"}, {"a", "2\n3"}}), "äö  1\na   2 3\n");
}

TEST(local_models_test, shows_the_form_that_most_of_a_model_has) {
  auto models = find_model_folders("models");
  ASSERT_FALSE(models.empty());
  auto tiny = look_at_model(models.front());
  EXPECT_EQ(tiny.name, "tiny-chat");
  EXPECT_EQ(tiny.form, "safetensors BF16");
  EXPECT_GT(tiny.bytes, 4'000'000U);
  EXPECT_LE(tiny.bytes,
            std::filesystem::file_size("models/tiny-chat/model.safetensors"));
}

TEST(local_models_test, says_what_cannot_be_read) {
  testing::temporary_folder folder;
  std::filesystem::create_directory(folder.path() / "broken");
  folder.write("broken/config.json", "{}");
  folder.write("broken/model.safetensors", "no");
  auto models = find_model_folders(folder.path());
  ASSERT_EQ(models.size(), 1U);
  auto broken = look_at_model(models[0]);
  EXPECT_THAT(broken.form, HasSubstr("cannot be read"));
  EXPECT_THAT(local_table({broken}), HasSubstr("\nbroken  causal_lm  0 B"));
}

} // namespace
} // namespace model_server
