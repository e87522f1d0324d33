// DeepSeek V2, V3 and R1: latent attention and fine-grained experts.
#include "models/nets/families/readers.hpp"

#include "models/nets/families/family.hpp"
#include "models/nets/families/fine_experts.hpp"

#include <fmt/format.h>

#include <cmath>

namespace model_server {

namespace {

// The sizes of a head come in parts.
decoder_spec begin(const config_fields& config) {
  auto turned = read_size_or(config, {"qk_rope_head_dim"}, 64);
  auto still = read_size_or(config, {"qk_nope_head_dim"}, 128);
  auto spec =
      begin_decoder(config, {.head = turned + still},
                    {.kv_heads = {"no such key"}, .head = {"no such key"}});
  spec.activate = read_activation(config, "hidden_act", "silu");
  // Only the first numbers of a head are turned.
  auto share = static_cast<double>(turned) / static_cast<double>(spec.head);
  spec.ropes = {read_rope(config, spec, 10000.0, share)};
  spec.ropes[0].size = turned;
  spec.ropes[0].is_interleaved =
      config.boolean("rope_interleave").value_or(true);
  return spec;
}

latent_spec read_latent(const config_fields& config, const decoder_spec& spec,
                        const std::string& name) {
  auto has_bias = config.boolean("attention_bias").value_or(false);
  latent_spec result;
  result.rank = read_size_or(config, {"kv_lora_rank"}, 512);
  result.turned = spec.ropes[0].size;
  result.still = spec.head - result.turned;
  result.value = read_size_or(config, {"v_head_dim"}, 128);
  if (result.value > spec.head)
    config.refuse("v_head_dim", fmt::format("must be at most the {} numbers of "
                                            "a key",
                                            spec.head));
  result.down = linear(name + "kv_a_proj_with_mqa", result.rank + result.turned,
                       spec.hidden, has_bias);
  result.norm = norm(name + "kv_a_layernorm");
  result.up = linear(name + "kv_b_proj",
                     spec.heads * (result.still + result.value), result.rank);
  return result;
}

attention_spec read_attention(const config_fields& config,
                              const decoder_spec& spec, const std::string& name,
                              double scale) {
  auto has_bias = config.boolean("attention_bias").value_or(false);
  auto queries = spec.heads * spec.head;
  attention_spec result;
  result.scale = scale;
  result.rope = 0;
  result.latent = read_latent(config, spec, name);
  auto rank = read_size_or(config, {"q_lora_rank"}, 0);
  if (rank == 0) {
    result.query = linear(name + "q_proj", queries, spec.hidden);
  } else {
    auto& latent = *result.latent;
    latent.query_down = linear(name + "q_a_proj", rank, spec.hidden, has_bias);
    latent.query_norm = norm(name + "q_a_layernorm");
    result.query = linear(name + "q_b_proj", queries, rank);
  }
  result.output = linear(name + "o_proj", spec.hidden,
                         spec.heads * result.latent->value, has_bias);
  return result;
}

// The layers without what stands behind the attention.
void add_attention(const config_fields& config, decoder_spec& spec,
                   double scale) {
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    auto& layer = spec.layers[i];
    auto name = layer_name(spec, i);
    layer.attention_norm = norm(name + "input_layernorm");
    layer.attention = read_attention(config, spec, name + "self_attn.", scale);
    layer.mlp_norm = norm(name + "post_attention_layernorm");
  }
}

double plain_scale(const decoder_spec& spec) {
  return 1.0 / std::sqrt(static_cast<double>(spec.head));
}

} // namespace

decoder_spec read_deepseek_v2(const config_fields& config) {
  auto spec = begin(config);
  auto method = config.text("topk_method").value_or("greedy");
  if (method != "greedy" && method != "group_limited_greedy")
    config.refuse("topk_method",
                  "only greedy and group_limited_greedy are built in");
  require_flag(config, "norm_topk_prob", false);
  add_attention(config, spec, plain_scale(spec));
  add_fine_experts(config, spec, {.count = 64, .chosen = 6});
  if (method == "group_limited_greedy")
    choose_in_groups(config, spec);
  return spec;
}

decoder_spec read_deepseek_v3(const config_fields& config) {
  auto spec = begin(config);
  // What yarn leaves of the magnitude goes into the scores.
  auto scale = plain_scale(spec);
  for (auto key : {"rope_scaling", "rope_parameters"})
    if (auto object = config.object(key)) {
      auto all = read_number_or(*object, "mscale_all_dim", 0.0, 1e6, 0.0);
      auto factor = spec.ropes[0].factor;
      if (all > 0.0 && factor > 1.0
          && spec.ropes[0].scaling != rope_spec::kind::plain) {
        auto magnitude = 0.1 * all * std::log(factor) + 1.0;
        scale *= magnitude * magnitude;
      }
    }
  add_attention(config, spec, scale);
  add_fine_experts(config, spec, {.count = 256, .chosen = 8, .dense = 3});
  choose_by_sigmoid(config, spec, true);
  return spec;
}

} // namespace model_server
