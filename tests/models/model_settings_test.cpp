// Tests what config.json and generation_config.json of a model folder mean.
#include "tests/models/temporary_folder.hpp"

#include "models/weights/generation_config.hpp"
#include "models/weights/llama_config.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

using namespace model_server;
using namespace model_server::testing;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace {

class llama_config_test : public ::testing::Test {
protected:
  // A config.json that is right but for `changes`, which come first: of a key
  // that is there twice the first is read.
  llama_config read(const std::string& changes = {}) {
    folder.write("config.json", "{" + changes + (changes.empty() ? "" : ",")
                                    + R"("architectures":["LlamaForCausalLM"],
                        "model_type":"llama","vocab_size":100,
                        "hidden_size":48,"intermediate_size":96,
                        "num_hidden_layers":3,"num_attention_heads":6,
                        "num_key_value_heads":2,"hidden_act":"silu",
                        "max_position_embeddings":512,"rms_norm_eps":1e-5,
                        "eos_token_id":2,"unknown_setting":[1,{}]})");
    return read_llama_config(folder.path());
  }

  std::string refusal(const std::string& changes) {
    return error_of([&] { read(changes); });
  }

  temporary_folder folder;
};

} // namespace

TEST_F(llama_config_test, sizes_are_read) {
  auto config = read();
  EXPECT_EQ(config.vocabulary, 100u);
  EXPECT_EQ(config.hidden, 48u);
  EXPECT_EQ(config.intermediate, 96u);
  EXPECT_EQ(config.layers, 3u);
  EXPECT_EQ(config.heads, 6u);
  EXPECT_EQ(config.kv_heads, 2u);
  EXPECT_EQ(config.head, 8u);
  EXPECT_EQ(config.context, 512u);
  EXPECT_EQ(config.norm_epsilon, 1e-5);
  EXPECT_EQ(config.rope, rope_config{});
  EXPECT_FALSE(config.is_tied);
  EXPECT_FALSE(config.has_attention_bias);
  EXPECT_FALSE(config.has_mlp_bias);
  EXPECT_FALSE(config.format);
  EXPECT_THAT(config.end_tokens, ElementsAre(2));
}

TEST_F(llama_config_test, choices_are_read) {
  auto config = read(R"("head_dim":64,"tie_word_embeddings":true,
    "attention_bias":true,"mlp_bias":true,"eos_token_id":[7,9])");
  EXPECT_EQ(config.head, 64u);
  EXPECT_TRUE(config.is_tied);
  EXPECT_TRUE(config.has_attention_bias);
  EXPECT_TRUE(config.has_output_bias);
  EXPECT_TRUE(config.has_mlp_bias);
  EXPECT_THAT(config.end_tokens, ElementsAre(7, 9));
}

TEST_F(llama_config_test, a_qwen2_has_the_biases_of_its_family) {
  auto config = read(R"("architectures":["Qwen2ForCausalLM"])");
  EXPECT_TRUE(config.has_attention_bias);
  EXPECT_FALSE(config.has_output_bias);
  EXPECT_FALSE(config.has_mlp_bias);
  EXPECT_THAT(refusal(R"("architectures":["Qwen2ForCausalLM"],
                          "use_sliding_window":true)"),
              HasSubstr("use_sliding_window"));
}

TEST_F(llama_config_test, null_counts_as_absent) {
  auto config = read(R"("head_dim":null,"num_key_value_heads":null,
    "eos_token_id":null,"rope_scaling":null,"tie_word_embeddings":null)");
  EXPECT_EQ(config.head, 8u);
  EXPECT_EQ(config.kv_heads, 6u);
  EXPECT_THAT(config.end_tokens, IsEmpty());
}

TEST_F(llama_config_test, the_number_format_has_an_old_and_a_new_name) {
  EXPECT_EQ(read(R"("torch_dtype":"bfloat16")").format, number_format::bf16);
  EXPECT_EQ(read(R"("dtype":"float16")").format, number_format::f16);
  EXPECT_EQ(read(R"("dtype":"float32")").format, number_format::f32);
  EXPECT_THAT(refusal(R"("dtype":"int8")"), HasSubstr("`dtype` is \"int8\""));
}

TEST_F(llama_config_test, rope_is_read_from_its_old_and_its_new_place) {
  EXPECT_EQ(read(R"("rope_theta":500000)").rope.theta, 500000.0);
  EXPECT_EQ(read(R"("rope_parameters":{"rope_theta":7e5,
                    "rope_type":"default"})")
                .rope,
            (rope_config{.theta = 7e5}));
  rope_config linear{
      .scaling = rope_config::kind::linear, .theta = 20000.0, .factor = 4.0};
  EXPECT_EQ(read(R"("rope_theta":20000.0,
                    "rope_scaling":{"type":"linear","factor":4})")
                .rope,
            linear);
  EXPECT_EQ(read(R"("rope_parameters":{"rope_type":"linear","factor":4.0,
                    "rope_theta":20000.0})")
                .rope,
            linear);
  rope_config llama3{.scaling = rope_config::kind::llama3,
                     .theta = 500000.0,
                     .factor = 8.0,
                     .low_frequency_factor = 1.0,
                     .high_frequency_factor = 4.0,
                     .original_context = 8192.0};
  auto scaling = std::string{R"("rope_type":"llama3","factor":8.0,
    "low_freq_factor":1.0,"high_freq_factor":4.0,
    "original_max_position_embeddings":8192)"};
  EXPECT_EQ(
      read(R"("rope_theta":500000.0,"rope_scaling":{)" + scaling + "}").rope,
      llama3);
  EXPECT_EQ(
      read(R"("rope_parameters":{"rope_theta":500000.0,)" + scaling + "}").rope,
      llama3);
}

TEST_F(llama_config_test, rope_kinds_that_are_not_built_in_are_refused) {
  for (auto kind : {"dynamic", "yarn", "longrope", "su"})
    EXPECT_THAT(refusal(fmt::format(
                    R"("rope_scaling":{{"type":"{}","factor":2}})", kind)),
                AllOf(HasSubstr("rope_scaling"), HasSubstr(kind),
                      HasSubstr("only default, linear and llama3")));
  EXPECT_THAT(refusal(R"("rope_scaling":{"type":"linear"})"),
              HasSubstr("`factor` is missing"));
  EXPECT_THAT(refusal(R"("rope_scaling":{"rope_type":"llama3","factor":8})"),
              HasSubstr("`low_freq_factor` is missing"));
  EXPECT_THAT(refusal(R"("rope_parameters":{"partial_rotary_factor":0.5})"),
              HasSubstr("partial_rotary_factor"));
}

TEST_F(llama_config_test, another_architecture_is_refused_in_one_sentence) {
  EXPECT_THAT(refusal(R"("architectures":["GlmForCausalLM"])"),
              AllOf(HasSubstr("config.json"),
                    HasSubstr("the architecture is `GlmForCausalLM`, only "
                              "LlamaForCausalLM and Qwen2ForCausalLM are built "
                              "in")));
  folder.write("config.json", R"({"model_type":"bert"})");
  EXPECT_THAT(error_of([&] { read_llama_config(folder.path()); }),
              HasSubstr("the architecture is `bert`"));
  folder.write("config.json", "{}");
  EXPECT_THAT(error_of([&] { read_llama_config(folder.path()); }),
              HasSubstr("the architecture is not given"));
}

TEST_F(llama_config_test, sizes_that_cannot_be_are_refused) {
  struct example {
    const char* change;
    const char* reason;
  };
  for (auto [change, reason] : {
           example{R"("hidden_size":0)", "`hidden_size` is 0, must be a whole"},
           example{R"("hidden_size":-64)", "`hidden_size` is -64"},
           example{R"("hidden_size":1e3)", "`hidden_size` is 1000.0"},
           example{R"("hidden_size":"64")", "`hidden_size` is \"64\""},
           example{R"("hidden_size":99999999999)", "from 1 to 16777216"},
           example{R"("hidden_size":50)", "multiple of the 6 heads"},
           example{R"("hidden_size":42)", "a head has 7 numbers, must be even"},
           example{R"("head_dim":7)", "a head has 7 numbers"},
           example{R"("head_dim":0)", "`head_dim` is 0"},
           example{R"("num_hidden_layers":5000)", "from 1 to 4096"},
           example{R"("num_key_value_heads":4)", "must divide the 6 heads"},
           example{R"("num_key_value_heads":0)", "`num_key_value_heads` is 0"},
           example{R"("rms_norm_eps":-1)", "`rms_norm_eps` is -1"},
           example{R"("hidden_act":"gelu")", "only silu is built in"},
           example{R"("eos_token_id":-1)", "must be a token id"},
           example{R"("eos_token_id":["x"])", "must be a token id"},
           example{R"("tie_word_embeddings":1)", "must be true or false"},
       })
    EXPECT_THAT(refusal(change),
                AllOf(HasSubstr("config.json"), HasSubstr(reason)))
        << change;
}

TEST_F(llama_config_test, a_size_that_is_missing_is_named) {
  folder.write("config.json", R"({"model_type":"llama"})");
  EXPECT_THAT(error_of([&] { read_llama_config(folder.path()); }),
              HasSubstr("`vocab_size` is missing"));
}

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
