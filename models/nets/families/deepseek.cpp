// DeepSeek V2, V3 and R1: latent attention and fine-grained experts.
#include "models/nets/families/readers.hpp"

#include "models/nets/families/family.hpp"

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

experts_spec read_experts(const config_fields& config, const decoder_spec& spec,
                          const std::string& name, std::size_t count) {
  auto inner = read_size_or(config, {"moe_intermediate_size"}, 1407);
  auto mlp_bias = config.boolean("mlp_bias").value_or(false);
  experts_spec result;
  result.router = linear(name + "gate", count, spec.hidden);
  result.scale = read_number_or(config, "routed_scaling_factor", 0.0, 1e6, 1.0);
  for (std::size_t e = 0; e < count; ++e)
    result.experts.push_back(
        gated_mlp(spec, fmt::format("{}experts.{}.", name, e), inner));
  auto shared = read_size_or(config, {"n_shared_experts"}, 0);
  if (shared != 0)
    result.shared =
        gated_mlp(spec, name + "shared_experts.", inner * shared, mlp_bias);
  return result;
}

void read_groups(const config_fields& config, std::size_t count,
                 experts_spec& experts) {
  experts.groups = read_size_or(config, {"n_group"}, 1);
  experts.chosen_groups = read_size_or(config, {"topk_group"}, 1);
  if (count % experts.groups != 0)
    config.refuse("n_group", fmt::format("must divide the {} experts", count));
  if (experts.chosen_groups > experts.groups)
    config.refuse("topk_group",
                  fmt::format("must be at most the {} groups", experts.groups));
  if (experts.chosen > count / experts.groups * experts.chosen_groups)
    config.refuse("num_experts_per_tok",
                  "must be at most the experts of the chosen groups");
}

// Calls `finish` with the experts of each layer that has some.
template <class F>
void add_layers(const config_fields& config, decoder_spec& spec, double scale,
                std::size_t count, std::size_t chosen, std::size_t dense,
                F finish) {
  count =
      read_experts_of_layer(config, {"n_routed_experts", "num_local_experts"},
                            count, spec.layers.size());
  chosen = read_chosen_experts(config, "num_experts_per_tok", chosen, count);
  dense = static_cast<std::size_t>(
      config.integer("first_k_dense_replace", 0, 1 << 12)
          .value_or(static_cast<std::int64_t>(dense)));
  auto mlp_bias = config.boolean("mlp_bias").value_or(false);
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    auto& layer = spec.layers[i];
    auto name = layer_name(spec, i);
    layer.attention_norm = norm(name + "input_layernorm");
    layer.attention = read_attention(config, spec, name + "self_attn.", scale);
    layer.mlp_norm = norm(name + "post_attention_layernorm");
    if (i < dense) {
      layer.mlp = gated_mlp(spec, name + "mlp.", spec.intermediate, mlp_bias);
      continue;
    }
    auto experts = read_experts(config, spec, name + "mlp.", count);
    experts.chosen = chosen;
    finish(name, experts, count);
    layer.experts = std::move(experts);
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
  add_layers(config, spec, plain_scale(spec), 64, 6, 0,
             [&](const std::string&, experts_spec& experts, std::size_t count) {
               if (method == "group_limited_greedy")
                 read_groups(config, count, experts);
             });
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
  add_layers(
      config, spec, scale, 256, 8, 3,
      [&](const std::string& name, experts_spec& experts, std::size_t count) {
        experts.score = experts_spec::scoring::sigmoid;
        experts.is_normalized = config.boolean("norm_topk_prob").value_or(true);
        experts.correction = name + "mlp.gate.e_score_correction_bias";
        experts.counts_two_of_group = true;
        read_groups(config, count, experts);
      });
  return spec;
}

} // namespace model_server
