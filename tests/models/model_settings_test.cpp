// Tests what generation_config.json of a model folder means.
#include "tests/models/temporary_folder.hpp"

#include "models/weights/generation_config.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

using namespace model_server;
using namespace model_server::testing;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace {

class generation_config_test : public ::testing::Test {
protected:
  generation_config read(const std::string& content) {
    folder.write("generation_config.json", content);
    return read_generation_config(folder.path());
  }

  std::string refusal(const std::string& content) {
    return error_of([&] { read(content); });
  }

  temporary_folder folder;
};

} // namespace

TEST_F(generation_config_test, nothing_is_said_by_a_file_that_is_not_there) {
  EXPECT_EQ(read_generation_config(folder.path()), generation_config{});
  EXPECT_EQ(read("{}"), generation_config{});
}

TEST_F(generation_config_test, sampling_is_read) {
  auto config = read(R"({"do_sample":true,"temperature":0.6,"top_p":0.9,
    "top_k":50,"min_p":0.05,"typical_p":0.95,"repetition_penalty":1.1,"max_new_tokens":200,
    "eos_token_id":[3,4],"transformers_version":"4.40"})");
  EXPECT_EQ(config.defaults.temperature, 0.6);
  EXPECT_EQ(config.defaults.top_p, 0.9);
  EXPECT_EQ(config.defaults.top_k, 50);
  EXPECT_EQ(config.defaults.min_p, 0.05);
  EXPECT_EQ(config.defaults.typical_p, 0.95);
  EXPECT_EQ(config.defaults.repetition_penalty, 1.1);
  EXPECT_EQ(config.defaults.presence_penalty, std::nullopt);
  EXPECT_EQ(config.default_max_tokens, 200u);
  EXPECT_THAT(config.end_tokens, ElementsAre(3, 4));
}

TEST_F(generation_config_test, not_sampling_means_temperature_0) {
  EXPECT_EQ(read(R"({"do_sample":false,"temperature":0.6,"top_p":0.9})")
                .defaults.temperature,
            0.0);
  EXPECT_EQ(read(R"({"temperature":0.6})").defaults.temperature, 0.6);
  EXPECT_EQ(read(R"({"do_sample":true})").defaults.temperature, std::nullopt);
}

TEST_F(generation_config_test, values_out_of_range_are_refused) {
  for (auto content : {R"({"temperature":-0.1})", R"({"top_p":0})",
                       R"({"top_p":1.5})", R"({"top_k":-1})", R"({"min_p":2})",
                       R"({"typical_p":0})",
                       R"({"repetition_penalty":0})", R"({"max_new_tokens":0})",
                       R"({"do_sample":"yes"})", R"({"temperature":"hot"})"})
    EXPECT_THAT(refusal(content), HasSubstr("generation_config.json: `"))
        << content;
}
