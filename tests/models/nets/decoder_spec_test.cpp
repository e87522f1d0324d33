// Tests what config.json of a model folder means.
#include "tests/models/temporary_folder.hpp"

#include "models/nets/families/families.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cstdlib>
#include <set>

using namespace model_server;
using namespace model_server::testing;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace {

class decoder_spec_test : public ::testing::Test {
protected:
  // A config.json that is right but for `changes`, which come first: of a key
  // that is there twice the first is read.
  decoder_spec read(const std::string& changes = {}) {
    folder.write("config.json", "{" + changes + (changes.empty() ? "" : ",")
                                    + R"("architectures":["LlamaForCausalLM"],
                        "model_type":"llama","vocab_size":100,
                        "hidden_size":48,"intermediate_size":96,
                        "num_hidden_layers":3,"num_attention_heads":6,
                        "num_key_value_heads":2,"hidden_act":"silu",
                        "max_position_embeddings":512,"rms_norm_eps":1e-5,
                        "eos_token_id":2,"unknown_setting":[1,{}]})");
    return read_decoder_spec(folder.path());
  }

  std::string refusal(const std::string& changes) {
    return error_of([&] { read(changes); });
  }

  // As the file above says.
  static rope_spec plain_rope() {
    rope_spec result;
    result.size = 8;
    return result;
  }

  temporary_folder folder;
};

} // namespace

TEST_F(decoder_spec_test, sizes_are_read) {
  auto config = read();
  EXPECT_EQ(config.vocabulary, 100u);
  EXPECT_EQ(config.hidden, 48u);
  EXPECT_EQ(config.intermediate, 96u);
  EXPECT_EQ(config.layers.size(), 3u);
  EXPECT_EQ(config.heads, 6u);
  EXPECT_EQ(config.kv_heads, 2u);
  EXPECT_EQ(config.head, 8u);
  EXPECT_EQ(config.context, 512u);
  EXPECT_EQ(config.norm_epsilon, 1e-5);
  ASSERT_EQ(config.ropes.size(), 1u);
  EXPECT_EQ(config.ropes[0], plain_rope());
  EXPECT_TRUE(config.scores.is_there());
  EXPECT_EQ(config.layers[2].attention.query.tensor,
            "model.layers.2.self_attn.q_proj.weight");
  EXPECT_EQ(config.layers[2].attention.query.bias, "");
  EXPECT_EQ(config.layers[2].mlp.up.bias, "");
  EXPECT_FALSE(config.format);
  EXPECT_THAT(config.end_tokens, ElementsAre(2));
}

TEST_F(decoder_spec_test, choices_are_read) {
  auto config = read(R"("head_dim":64,"tie_word_embeddings":true,
    "attention_bias":true,"mlp_bias":true,"eos_token_id":[7,9])");
  EXPECT_EQ(config.head, 64u);
  EXPECT_FALSE(config.scores.is_there());
  EXPECT_NE(config.layers[0].attention.query.bias, "");
  EXPECT_NE(config.layers[0].attention.output.bias, "");
  EXPECT_NE(config.layers[0].mlp.up.bias, "");
  EXPECT_THAT(config.end_tokens, ElementsAre(7, 9));
}

TEST_F(decoder_spec_test, a_qwen2_has_the_biases_of_its_family) {
  auto config = read(R"("architectures":["Qwen2ForCausalLM"])");
  EXPECT_NE(config.layers[0].attention.query.bias, "");
  EXPECT_EQ(config.layers[0].attention.output.bias, "");
  EXPECT_EQ(config.layers[0].mlp.up.bias, "");
}

TEST_F(decoder_spec_test, null_counts_as_absent) {
  auto config = read(R"("head_dim":null,"num_key_value_heads":null,
    "eos_token_id":null,"rope_scaling":null,"tie_word_embeddings":null)");
  EXPECT_EQ(config.head, 8u);
  EXPECT_EQ(config.kv_heads, 6u);
  EXPECT_THAT(config.end_tokens, IsEmpty());
}

TEST_F(decoder_spec_test, null_is_no_cap_where_a_cap_is_the_rule) {
  auto gemma = std::string{
      R"("architectures":["Gemma2ForCausalLM"],"model_type":"gemma2")"};
  EXPECT_EQ(read(gemma).score_softcap, 30.0);
  EXPECT_EQ(read(gemma).layers[0].attention.softcap, 50.0);
  auto uncapped = read(gemma + R"(,"final_logit_softcapping":null,
                            "attn_logit_softcapping":null)");
  EXPECT_EQ(uncapped.score_softcap, 0.0);
  EXPECT_EQ(uncapped.layers[0].attention.softcap, 0.0);
}

TEST_F(decoder_spec_test, a_gemma_goes_by_its_newer_name_of_the_activation) {
  auto gemma = std::string{
      R"("architectures":["Gemma2ForCausalLM"],"model_type":"gemma2")"};
  EXPECT_EQ(read(gemma).activate, activation::gelu_tanh);
  EXPECT_EQ(read(gemma + R"(,"hidden_act":"gelu")").activate,
            activation::gelu_tanh);
  EXPECT_EQ(read(gemma + R"(,"hidden_activation":"gelu")").activate,
            activation::gelu);
}

TEST_F(decoder_spec_test, a_phi_with_a_tied_head_is_refused) {
  EXPECT_THAT(refusal(R"("architectures":["PhiForCausalLM"],"model_type":"phi",
                         "hidden_act":"gelu_new","tie_word_embeddings":true)"),
              HasSubstr("`tie_word_embeddings` is true"));
}

TEST_F(decoder_spec_test, the_number_format_has_an_old_and_a_new_name) {
  EXPECT_EQ(read(R"("torch_dtype":"bfloat16")").format, number_format::bf16);
  EXPECT_EQ(read(R"("dtype":"float16")").format, number_format::f16);
  EXPECT_EQ(read(R"("dtype":"float32")").format, number_format::f32);
  EXPECT_THAT(refusal(R"("dtype":"int8")"), HasSubstr("`dtype` is \"int8\""));
}

TEST_F(decoder_spec_test, rope_is_read_from_its_old_and_its_new_place) {
  auto rope = [this](const std::string& changes) {
    return read(changes).ropes.at(0);
  };
  EXPECT_EQ(rope(R"("rope_theta":500000)").theta, 500000.0);
  auto expected = plain_rope();
  expected.theta = 7e5;
  EXPECT_EQ(rope(R"("rope_parameters":{"rope_theta":7e5,
                    "rope_type":"default"})"),
            expected);
  expected = plain_rope();
  expected.scaling = rope_spec::kind::linear;
  expected.theta = 20000.0;
  expected.factor = 4.0;
  EXPECT_EQ(rope(R"("rope_theta":20000.0,
                    "rope_scaling":{"type":"linear","factor":4})"),
            expected);
  EXPECT_EQ(rope(R"("rope_parameters":{"rope_type":"linear","factor":4.0,
                    "rope_theta":20000.0})"),
            expected);
  expected = plain_rope();
  expected.scaling = rope_spec::kind::llama3;
  expected.theta = 500000.0;
  expected.factor = 8.0;
  expected.original_context = 8192.0;
  auto scaling = std::string{R"("rope_type":"llama3","factor":8.0,
    "low_freq_factor":1.0,"high_freq_factor":4.0,
    "original_max_position_embeddings":8192)"};
  EXPECT_EQ(rope(R"("rope_theta":500000.0,"rope_scaling":{)" + scaling + "}"),
            expected);
  EXPECT_EQ(
      rope(R"("rope_parameters":{"rope_theta":500000.0,)" + scaling + "}"),
      expected);
}

TEST_F(decoder_spec_test, ropes_that_cannot_be_are_refused) {
  EXPECT_THAT(refusal(R"("rope_scaling":{"type":"mrope","factor":2})"),
              AllOf(HasSubstr("rope_scaling"), HasSubstr("mrope"),
                    HasSubstr("only default, linear, dynamic")));
  EXPECT_THAT(refusal(R"("rope_scaling":{"type":"linear"})"),
              HasSubstr("`factor` is missing"));
  EXPECT_THAT(refusal(R"("rope_scaling":{"rope_type":"llama3","factor":8})"),
              HasSubstr("`low_freq_factor` is missing"));
  EXPECT_THAT(refusal(R"("rope_parameters":{"partial_rotary_factor":0.1})"),
              AllOf(HasSubstr("partial_rotary_factor"),
                    HasSubstr("turns 0 of the 8 numbers")));
  EXPECT_THAT(refusal(R"("rope_scaling":{"type":"longrope","factor":2,
                          "short_factor":[1,1,1],"long_factor":[1,1,1,1]})"),
              HasSubstr("must be a list of 4 numbers above 0"));
}

// As Falcon 7B and 40B were first published.
TEST_F(decoder_spec_test, a_falcon_may_have_its_first_name) {
  std::string sizes = R"({"architectures":["RWForCausalLM"],"hidden_size":64,
      "n_head":4,"n_layer":2,"vocab_size":100,"parallel_attn":true,
      "layer_norm_epsilon":1e-5,"alibi":false,"bias":false)";
  folder.write("config.json",
               sizes
                   + R"(,"model_type":"RefinedWebModel","multi_query":true})");
  auto small = read_decoder_spec(folder.path());
  EXPECT_EQ(small.family, "falcon");
  EXPECT_EQ(small.heads, 4u);
  EXPECT_EQ(small.kv_heads, 1u);
  EXPECT_EQ(small.layers.size(), 2u);
  EXPECT_EQ(small.layers[0].attention_norm.weight,
            "transformer.h.0.input_layernorm.weight");
  folder.write("config.json",
               sizes + R"(,"model_type":"RefinedWeb","n_head_kv":2})");
  auto large = read_decoder_spec(folder.path());
  EXPECT_EQ(large.kv_heads, 2u);
  EXPECT_EQ(large.layers[0].attention_norm.weight,
            "transformer.h.0.ln_attn.weight");
  EXPECT_EQ(large.layers[0].mlp_norm.weight, "transformer.h.0.ln_mlp.weight");
}

TEST_F(decoder_spec_test, another_architecture_is_refused_in_one_sentence) {
  EXPECT_THAT(refusal(R"("architectures":["MambaForCausalLM"])"),
              AllOf(HasSubstr("config.json"),
                    HasSubstr("the architecture is `MambaForCausalLM`, which "
                              "is not built in; these are: "),
                    HasSubstr("Qwen2ForCausalLM")));
  folder.write("config.json", R"({"model_type":"bert"})");
  EXPECT_THAT(error_of([&] { read_decoder_spec(folder.path()); }),
              HasSubstr("the architecture is `bert`"));
  folder.write("config.json", "{}");
  EXPECT_THAT(error_of([&] { read_decoder_spec(folder.path()); }),
              HasSubstr("the architecture is not given"));
}

TEST_F(decoder_spec_test, what_families_do_not_do_here_is_refused) {
  struct example {
    const char* architecture;
    const char* change;
    const char* reason;
  };
  for (auto [architecture, change, reason] : {
           example{"Mpt", R"("attn_config":{"clip_qkv":6})",
                   "attn_config: `clip_qkv` is 6, limits"},
           example{"Mpt", R"("attn_config":{"alibi":false})",
                   "`alibi` is false, only true"},
           example{"Mpt", R"("no_bias":false)", "`no_bias` is false"},
           example{"Olmoe", R"("clip_qkv":8.0)", "`clip_qkv` is 8.0, limits"},
           example{"Bloom",
                   R"("apply_residual_connection_post_layernorm":true)",
                   "only false is built in"},
           example{"Ernie4_5", R"("use_bias":true)", "`use_bias` is true"},
       })
    EXPECT_THAT(refusal(R"("architectures":[")" + std::string{architecture}
                        + R"(ForCausalLM"],)" + change),
                HasSubstr(reason))
        << architecture;
  EXPECT_THAT(refusal(R"("architectures":["Mistral3ForConditionalGeneration"],
                         "text_config":{"model_type":"ministral4"})"),
              HasSubstr("text_config: `model_type` is \"ministral4\", only"));
}

TEST_F(decoder_spec_test, positions_are_scaled_where_layers_see_all) {
  auto spec =
      read(R"("architectures":["Olmo3ForCausalLM"],"num_hidden_layers":4,
           "rope_scaling":{"rope_type":"yarn","factor":8.0,
                           "original_max_position_embeddings":64})");
  for (std::size_t i = 0; i < 4; ++i) {
    auto& attention = spec.layers[i].attention;
    auto& rope = spec.ropes[*attention.rope];
    EXPECT_EQ(attention.window, i < 3 ? 4096u : 0u);
    EXPECT_EQ(rope.scaling,
              i < 3 ? rope_spec::kind::plain : rope_spec::kind::yarn);
    EXPECT_EQ(rope.theta, spec.ropes[0].theta);
  }
}

TEST_F(decoder_spec_test, queries_of_a_ministral_grow_with_their_position) {
  auto spec = read(R"("architectures":["Ministral3ForCausalLM"])");
  auto& rope = spec.ropes[0];
  EXPECT_EQ(rope.scaling, rope_spec::kind::yarn);
  EXPECT_EQ(rope.theta, 1e6);
  EXPECT_EQ(rope.attention_factor, 1.0);
  EXPECT_EQ(rope_query_scale(rope, 16383), 1.0f);
  EXPECT_FLOAT_EQ(rope_query_scale(rope, 16384), 1.0693147f);
  EXPECT_FLOAT_EQ(rope_query_scale(rope, 50000), 1.1386294f);
  EXPECT_THAT(refusal(R"("rope_scaling":{"rope_type":"linear","factor":2,
                                         "llama_4_scaling_beta":0.1})"),
              HasSubstr("`llama_4_scaling_beta` is 0.1, needs"));
}

TEST_F(decoder_spec_test, letters_tell_which_layers_see_a_window) {
  auto spec =
      read(R"("architectures":["Exaone4ForCausalLM"],"num_hidden_layers":5,
           "sliding_window":64,"sliding_window_pattern":"LLG")");
  // The last one always sees all.
  for (std::size_t i = 0; i < 5; ++i)
    EXPECT_EQ(spec.layers[i].attention.window, i % 3 < 2 && i < 4 ? 64u : 0u);
}

TEST_F(decoder_spec_test, sizes_that_cannot_be_are_refused) {
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
           example{R"("num_hidden_layers":5000)", "must be at most 4096"},
           example{R"("num_attention_heads":16777216,"head_dim":2)",
                   "must be at most 43690"},
           example{R"("num_key_value_heads":4)", "must divide the 6 heads"},
           example{R"("num_key_value_heads":0)", "`num_key_value_heads` is 0"},
           example{R"("rms_norm_eps":-1)", "`rms_norm_eps` is -1"},
           example{R"("hidden_act":"tanh")", "only silu, gelu"},
           example{R"("eos_token_id":-1)", "must be a token id"},
           example{R"("eos_token_id":["x"])", "must be a token id"},
           example{R"("tie_word_embeddings":1)", "must be true or false"},
       })
    EXPECT_THAT(refusal(change),
                AllOf(HasSubstr("config.json"), HasSubstr(reason)))
        << change;
}

TEST_F(decoder_spec_test, more_experts_than_any_model_has_are_refused) {
  for (std::string name :
       {"Mixtral", "Qwen2Moe", "Qwen3Moe", "DeepseekV2", "DeepseekV3", "GptOss",
        "Glm4Moe", "GraniteMoe", "Olmoe"})
    EXPECT_THAT(refusal(R"("architectures":[")" + name
                        + R"(ForCausalLM"],"num_experts":9999999,
                             "num_local_experts":9999999,
                             "n_routed_experts":9999999)"),
                HasSubstr("is 9999999, must be at most 21845"))
        << name;
}

TEST_F(decoder_spec_test, a_size_that_is_missing_is_named) {
  folder.write("config.json", R"({"model_type":"llama"})");
  EXPECT_THAT(error_of([&] { read_decoder_spec(folder.path()); }),
              HasSubstr("`vocab_size` is missing"));
}

// As Gemma 3 of 4 billion parameters was published: what is the rule is left
// out, and the whole says what its text part does not.
TEST_F(decoder_spec_test, a_text_part_says_only_what_is_not_the_rule) {
  auto config = [&](const std::string& more) {
    folder.write("config.json",
                 R"({"architectures":["Gemma3ForConditionalGeneration"],
                     "eos_token_id":[1,106],"model_type":"gemma3",
                     "text_config":{"hidden_size":2560,
                       "intermediate_size":10240,"model_type":"gemma3_text",
                       "num_hidden_layers":34,
                       "rope_scaling":{"factor":8.0,"rope_type":"linear"},
                       "sliding_window":1024},
                     "torch_dtype":"bfloat16",
                     "vision_config":{"hidden_size":1152})"
                     + more + "}");
    return read_decoder_spec(folder.path());
  };
  auto spec = config("");
  EXPECT_EQ(spec.family, "gemma3");
  EXPECT_EQ(spec.vocabulary, 262208u);
  EXPECT_EQ(spec.hidden, 2560u);
  EXPECT_EQ(spec.intermediate, 10240u);
  EXPECT_EQ(spec.layers.size(), 34u);
  EXPECT_EQ(spec.heads, 8u);
  EXPECT_EQ(spec.kv_heads, 4u);
  EXPECT_EQ(spec.head, 256u);
  EXPECT_EQ(spec.context, 131072u);
  EXPECT_FALSE(spec.scores.is_there());
  EXPECT_EQ(spec.layers[4].attention.window, 1024u);
  EXPECT_EQ(spec.layers[5].attention.window, 0u);
  EXPECT_EQ(spec.ropes[0].scaling, rope_spec::kind::linear);
  EXPECT_EQ(spec.ropes[0].factor, 8.0);
  EXPECT_EQ(spec.ropes[1].scaling, rope_spec::kind::plain);
  EXPECT_THAT(spec.end_tokens, ElementsAre(1, 106));
  EXPECT_THAT(error_of([&] {
                config(R"(,"quantization_config":{"quant_method":"awq"})");
              }),
              HasSubstr("quantised Hugging Face folders are not built in"));
}

TEST_F(decoder_spec_test, quantised_folders_are_refused_by_name) {
  EXPECT_THAT(refusal(R"("quantization_config":{"quant_method":"awq"})"),
              HasSubstr("`quantization_config`"));
}

// --- published files ---------------------------------------------------------

// Of every config.json of the shared data either a network comes, or one
// sentence that names what is not built in.
TEST(published_config_test, each_is_read_or_refused_by_name) {
  auto data = std::getenv("MODEL_SERVER_TEST_DATA");
  if (data == nullptr)
    GTEST_SKIP() << "MODEL_SERVER_TEST_DATA is not set";
  std::set<std::string> refused;
  std::size_t read = 0;
  for (auto& item : std::filesystem::directory_iterator{
           std::filesystem::path{data} / "configs"}) {
    if (!std::filesystem::exists(item.path() / "config.json"))
      continue;
    auto name = item.path().filename().string();
    auto problem = error_of([&] {
      auto spec = read_decoder_spec(item.path());
      EXPECT_GT(spec.layers.size(), 0u) << name;
      ++read;
    });
    if (problem.empty())
      continue;
    refused.insert(name);
    EXPECT_THAT(problem, AllOf(HasSubstr("config.json"),
                               HasSubstr("which is not built in")))
        << name;
  }
  EXPECT_THAT(refused,
              ElementsAre("Baichuan2-7B", "Falcon-Perception", "GLM4V",
                          "InternVL2-4B", "MiniCPMV4_6", "Qwen2_5_Omni",
                          "Qwen2_Audio", "Qwen3_5", "Qwen3_ASR", "Qwen3_VL"));
  EXPECT_EQ(read, 18u);
}
