// Checks what is made of the metadata of GGUF files.
#include "tests/models/weights/gguf_bytes.hpp"

#include "models/nets/gguf_decoder.hpp"
#include "models/weights/convert.hpp"
#include "models/weights/gguf_config.hpp"
#include "models/weights/gguf_names.hpp"
#include "models/weights/gguf_traits.hpp"
#include "models/weights/json_file.hpp"
#include "models/weights/weight_folder.hpp"

#include "tests/models/temporary_folder.hpp"
#include "tests/models/text/token_rows.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <numbers>

using namespace model_server;
using namespace model_server::testing;
using ::testing::AllOf;
using ::testing::HasSubstr;

namespace {

// The metadata that every architecture has.
gguf_bytes sizes(const std::string& name) {
  gguf_bytes made;
  made.text("general.architecture", name)
      .integer(name + ".embedding_length", 64)
      .integer(name + ".block_count", 4)
      .integer(name + ".feed_forward_length", 96)
      .integer(name + ".context_length", 512)
      .integer(name + ".attention.head_count", 4)
      .integer(name + ".attention.head_count_kv", 2)
      .integer(name + ".vocab_size", 99)
      .number(name + ".attention.layer_norm_rms_epsilon", 1e-5f);
  return made;
}

// With so many experts of one number.
gguf_bytes with_experts(const std::string& name, std::uint64_t count) {
  auto made = sizes(name);
  made.integer(name + ".expert_count", static_cast<std::uint32_t>(count));
  made.tensor("blk.1.ffn_down_exps.weight", {1, 1, count}, 0, 0);
  for (std::uint64_t i = 0; i < count; ++i)
    made.data += little(0.0f);
  return made;
}

// Those of DeepSeek.
gguf_bytes latent_sizes() {
  auto made = with_experts("deepseek2", 16);
  made.integer("deepseek2.expert_used_count", 4)
      .integer("deepseek2.attention.key_length", 40)
      .integer("deepseek2.attention.key_length_mla", 24)
      .integer("deepseek2.attention.value_length_mla", 16)
      .integer("deepseek2.attention.kv_lora_rank", 32)
      .integer("deepseek2.rope.dimension_count", 8);
  return made;
}

rapidjson::Document config_of(const gguf_bytes& made) {
  auto content = made.bytes();
  return gguf_config(gguf_file{bytes_of(content), "made.gguf"});
}

std::string refusal(const gguf_bytes& made) {
  return error_of([&] { config_of(made); });
}

// A file with one tensor of rope factors.
gguf_bytes with_factors(gguf_bytes made, const std::vector<float>& factors) {
  made.tensor("rope_freqs.weight", {factors.size()}, 0, 0);
  for (auto factor : factors)
    made.data += little(factor);
  return made;
}

// Every key of `expected` has the same value in `found`.
void expect_holds(const rapidjson::Value& found, const char* expected) {
  auto document = parse_json_object(expected, "expected");
  for (auto& member : document.GetObject()) {
    auto it = found.FindMember(member.name);
    ASSERT_NE(it, found.MemberEnd()) << member.name.GetString();
    EXPECT_EQ(it->value, member.value) << member.name.GetString();
  }
}

} // namespace

TEST(gguf_config_test, sizes_have_the_names_of_config_json) {
  auto found = config_of(sizes("llama"));
  expect_holds(found, R"({"model_type": "llama",
    "architectures": ["LlamaForCausalLM"], "hidden_act": "silu",
    "hidden_size": 64, "num_hidden_layers": 4, "intermediate_size": 96,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16,
    "max_position_embeddings": 512, "vocab_size": 99, "rms_norm_eps": 1e-05,
    "rope_theta": 10000.0, "tie_word_embeddings": true,
    "attention_bias": false, "mlp_bias": false})");
  EXPECT_FALSE(found.HasMember("rope_scaling"));
  EXPECT_FALSE(found.HasMember("sliding_window"));
}

TEST(gguf_config_test, architectures_have_what_their_files_do_not_say) {
  expect_holds(config_of(sizes("gemma2").integer(
                   "gemma2.attention.sliding_window", 128)),
               R"({"sliding_window": 128, "query_pre_attn_scalar": 16,
                 "hidden_activation": "gelu_pytorch_tanh",
                 "layer_types": ["sliding_attention", "full_attention",
                                 "sliding_attention", "full_attention"]})");
  expect_holds(config_of(sizes("granite")
                             .number("granite.attention.scale", 0.015625f)
                             .number("granite.logit_scale", 8)),
               R"({"attention_multiplier": 0.015625, "logits_scaling": 8.0})");
  expect_holds(
      config_of(sizes("minicpm").number("minicpm.residual_scale", 0.7f)),
      R"({"scale_depth": 1.4, "scale_emb": 12.0, "dim_model_base": 256.0})");
  expect_holds(
      config_of(sizes("stablelm").integer("stablelm.rope.dimension_count", 4)),
      R"({"partial_rotary_factor": 0.25, "use_qkv_bias": false,
                   "use_parallel_residual": true})");
  expect_holds(config_of(sizes("gpt2")),
               R"({"n_embd": 64, "n_layer": 4, "n_head": 4, "n_inner": 96,
                   "n_positions": 512, "activation_function": "gelu_new"})");
  expect_holds(config_of(sizes("smollm3")),
               R"({"no_rope_layers": [1, 1, 1, 0]})");
  expect_holds(config_of(sizes("olmo2")), R"({"model_type": "olmo2"})");
  expect_holds(
      config_of(sizes("olmo2").integer("olmo2.attention.sliding_window", 128)),
      R"({"model_type": "olmo3", "sliding_window": 128})");
  expect_holds(
      config_of(sizes("nemotron")
                    .number("nemotron.attention.layer_norm_epsilon", 0.125f)),
      R"({"norm_eps": 0.125, "hidden_act": "relu2"})");
}

TEST(gguf_config_test, experts_are_counted) {
  expect_holds(
      config_of(with_experts("llama", 8).integer("llama.expert_used_count", 2)),
      R"({"model_type": "mixtral", "num_local_experts": 8,
                   "num_experts_per_tok": 2})");
  expect_holds(
      config_of(with_experts("qwen3moe", 16)
                    .integer("qwen3moe.expert_used_count", 4)
                    .integer("qwen3moe.expert_feed_forward_length", 24)),
      R"({"num_experts": 16, "moe_intermediate_size": 24,
          "norm_topk_prob": true, "mlp_only_layers": []})");
  expect_holds(config_of(latent_sizes()
                             .integer("deepseek2.expert_gating_func", 2)
                             .boolean("deepseek2.expert_weights_norm", true)),
               R"({"model_type": "deepseek_v3", "scoring_func": "sigmoid",
                   "n_routed_experts": 16, "norm_topk_prob": true,
                   "kv_lora_rank": 32, "qk_rope_head_dim": 8,
                   "qk_nope_head_dim": 16, "v_head_dim": 16,
                   "num_key_value_heads": 4})");
}

// The files do not name the way in which version 2 of DeepSeek chooses.
TEST(gguf_config_test, experts_in_groups_are_chosen_by_group) {
  expect_holds(config_of(latent_sizes()
                             .integer("deepseek2.expert_group_count", 4)
                             .integer("deepseek2.expert_group_used_count", 2)),
               R"({"model_type": "deepseek_v2", "n_group": 4, "topk_group": 2,
          "topk_method": "group_limited_greedy"})");
  EXPECT_FALSE(config_of(latent_sizes()).HasMember("topk_method"));
}

TEST(gguf_config_test, scalings_of_rope_are_as_transformers_writes_them) {
  auto scaling = [](gguf_bytes made) {
    auto found = config_of(made);
    rapidjson::Document result;
    result.CopyFrom(found["rope_scaling"], result.GetAllocator());
    return result;
  };
  expect_holds(scaling(sizes("llama")
                           .text("llama.rope.scaling.type", "linear")
                           .number("llama.rope.scaling.factor", 4)),
               R"({"rope_type": "linear", "factor": 4.0})");
  expect_holds(
      scaling(sizes("qwen2")
                  .text("qwen2.rope.scaling.type", "yarn")
                  .number("qwen2.rope.scaling.factor", 4)
                  .integer("qwen2.rope.scaling.original_context_length", 128)
                  .number("qwen2.rope.scaling.yarn_beta_fast", 32)),
      R"({"rope_type": "yarn", "factor": 4.0, "beta_fast": 32.0,
          "original_max_position_embeddings": 128})");
  EXPECT_THAT(refusal(sizes("llama").text("llama.rope.scaling.type", "linear")),
              HasSubstr("`llama.rope.scaling.factor` is missing"));
  EXPECT_THAT(refusal(sizes("llama").text("llama.rope.scaling.type", "odd")),
              HasSubstr("`llama.rope.scaling.type` is \"odd\""));
}

TEST(gguf_config_test, factors_of_rope_become_parameters_or_stay_a_list) {
  std::vector<float> factors;
  for (int i = 0; i < 8; ++i) {
    auto length = 2 * std::numbers::pi * std::pow(500000.0, i / 8.0);
    auto smooth = (8192 / length - 1) / 3;
    factors.push_back(
        static_cast<float>(length < 2048   ? 1.0
                           : length > 8192 ? 32.0
                                           : 1 / ((1 - smooth) / 32 + smooth)));
  }
  auto made = sizes("llama").number("llama.rope.freq_base", 500000);
  expect_holds(config_of(with_factors(made, factors))["rope_scaling"],
               R"({"rope_type": "llama3", "factor": 32.0,
                   "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                   "original_max_position_embeddings": 8192})");
  factors[0] = 2;
  auto config = config_of(with_factors(made, factors));
  expect_holds(config["rope_scaling"],
               R"({"rope_type": "longrope", "attention_factor": 1.0})");
  EXPECT_EQ(config["rope_scaling"]["long_factor"].Size(), 8u);
  factors[3] = 0;
  EXPECT_THAT(refusal(with_factors(made, factors)),
              HasSubstr("tensor `rope_freqs.weight` holds 0"));
  factors.pop_back();
  EXPECT_THAT(refusal(with_factors(made, factors)),
              HasSubstr("is [7], the metadata ask for [8]"));
}

TEST(gguf_config_test, what_is_missing_or_out_of_range_is_refused_by_name) {
  EXPECT_THAT(refusal(sizes("clip")),
              HasSubstr("`general.architecture` is \"clip\""));
  EXPECT_THAT(refusal(gguf_bytes{}.text("general.architecture", "llama")),
              AllOf(HasSubstr("made.gguf"),
                    HasSubstr("`llama.embedding_length` is missing")));
  EXPECT_THAT(refusal(gguf_bytes{}), HasSubstr("`general.architecture`"));
  EXPECT_THAT(refusal(with_experts("llama", 4)),
              HasSubstr("`llama.expert_used_count` is missing"));
  EXPECT_THAT(refusal(sizes("llama").integer("llama.expert_count", 4096)),
              HasSubstr("`llama.expert_count` is 4096, but no tensor "
                        "`ffn_down_exps` holds so many"));
  EXPECT_THAT(
      refusal(sizes("llama").number("llama.rope.freq_base", 0)),
      HasSubstr("`llama.rope.freq_base` is 0, must be a number from 1"));
}

TEST(gguf_config_test, a_layer_is_not_described_unless_there_is_one) {
  auto describe = [](const gguf_bytes& made) {
    auto content = made.bytes();
    read_gguf_decoder(gguf_file{bytes_of(content), "made.gguf"});
  };
  auto made = sizes("llama");
  EXPECT_THAT(error_of([&] { describe(made); }),
              HasSubstr("`llama.block_count` is 4, but no tensor is named "
                        "`blk.3.*`"));
  auto add = [&](const std::string& name) {
    made.tensor(name, {1}, 0, made.data.size());
    made.data.append(32, '\0');
  };
  add("blk.3.attn_norm.weight");
  EXPECT_THAT(error_of([&] { describe(made); }),
              HasSubstr("`llama.block_count` is 4, but there are 1 tensors"));
  for (auto name : {"blk.0.x", "blk.1.x", "blk.2.x"})
    add(name);
  describe(made);
}

// The trained models, converted by llama.cpp, against what they were made of.
TEST(gguf_config_test, a_converted_model_is_the_published_one) {
  if (!shared_data())
    GTEST_SKIP() << "MODEL_SERVER_TEST_DATA is not set";
  auto models = *shared_data() / "models";
  for (auto [gguf, folder] :
       {std::pair{"stories260K/gguf/stories260K.f32.gguf", "stories260K/hf"},
        std::pair{"tinystories-656k/gguf/tinystories-656k.f32.gguf",
                  "tinystories-656k/hf"},
        std::pair{"tinystories-656k/gguf/tinystories-656k.as-qwen2.f16.gguf",
                  "tinystories-656k/as-qwen2"},
        std::pair{"tinystories-656k/gguf/tinystories-656k.as-phi3.f16.gguf",
                  "tinystories-656k/as-phi3"},
        std::pair{"tinystories-656k/gguf/tinystories-656k.as-mixtral.q8_0.gguf",
                  "tinystories-656k/as-mixtral"}}) {
    gguf_file file{models / gguf};
    auto found = gguf_config(file);
    auto published = read_json_file(models / folder / "config.json");
    for (auto key :
         {"model_type", "hidden_size", "num_hidden_layers",
          "num_attention_heads", "num_key_value_heads", "intermediate_size",
          "max_position_embeddings", "vocab_size", "rms_norm_eps", "hidden_act",
          "num_local_experts", "num_experts_per_tok"})
      if (published.HasMember(key)) {
        ASSERT_TRUE(found.HasMember(key)) << gguf << " " << key;
        EXPECT_EQ(found[key], published[key]) << gguf << " " << key;
      }
    // Each published number lies where names and traits say.
    auto architecture = file.metadata().require_text("general.architecture");
    auto traits = find_gguf_traits(architecture);
    weight_folder weights{models / folder};
    auto head = found["head_dim"].GetUint64();
    for (auto& [published_name, tensor] : weights.tensors()) {
      auto place = find_gguf_place(architecture, published_name);
      ASSERT_TRUE(place) << published_name;
      auto stored = file.find(place->name);
      if (stored == nullptr && place->name == "output.weight")
        stored = file.find("token_embd.weight");
      ASSERT_NE(stored, nullptr) << gguf << " " << place->name;
      auto expected = to_floats(*tensor);
      auto numbers = to_floats(*stored);
      auto columns = tensor->shape.back();
      auto rows = expected.size() / columns;
      auto is_turned = traits->is_rope_permuted
                       && (place->name.ends_with("attn_q.weight")
                           || place->name.ends_with("attn_k.weight"));
      auto first = place->expert.value_or(0) * rows;
      double largest = 0;
      for (std::size_t row = 0; row < rows; ++row) {
        auto at = first + (is_turned ? permuted_rope_row(row, head) : row);
        for (std::size_t i = 0; i < columns; ++i)
          largest = std::max(
              largest,
              std::abs(static_cast<double>(numbers[at * columns + i])
                       - static_cast<double>(expected[row * columns + i])));
      }
      auto is_exact = std::string_view{gguf}.ends_with("f32.gguf");
      EXPECT_LE(largest, is_exact ? 0.0 : 0.02) << gguf << " " << place->name;
    }
  }
}
