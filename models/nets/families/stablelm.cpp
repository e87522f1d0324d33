// StableLM.
#include "models/nets/families/readers.hpp"

#include "models/nets/families/family.hpp"

namespace model_server {

decoder_spec read_stablelm(const config_fields& config) {
  auto spec =
      begin_decoder(config, {.kv_heads = 32, .context = 4096, .epsilon = 1e-5},
                    {.epsilon = {"layer_norm_eps"}});
  spec.norms = norm_kind::layer;
  spec.head_norms = norm_kind::layer;
  spec.head_norm_over = head_norm_scope::each_head;
  spec.is_parallel = config.boolean("use_parallel_residual").value_or(false);
  spec.norm = norm(spec.prefix + "norm", true);
  spec.ropes = {read_rope(config, spec, 10000.0, 0.25)};
  spec.activate = read_activation(config, "hidden_act", "silu");
  auto has_bias = config.boolean("use_qkv_bias").value_or(false);
  auto norms_heads = config.boolean("qk_layernorm").value_or(false);
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    auto& layer = spec.layers[i];
    auto name = layer_name(spec, i);
    auto attention = name + "self_attn.";
    layer.attention_norm = norm(name + "input_layernorm", true);
    layer.attention = split_attention(spec, attention, {has_bias, false});
    if (norms_heads) {
      // A tensor for each head.
      layer.attention.query_norm = norm(attention + "q_layernorm.norms.{}");
      layer.attention.key_norm = norm(attention + "k_layernorm.norms.{}");
    }
    if (!spec.is_parallel)
      layer.mlp_norm = norm(name + "post_attention_layernorm", true);
    layer.mlp = gated_mlp(spec, name + "mlp.", spec.intermediate);
  }
  return spec;
}

} // namespace model_server
