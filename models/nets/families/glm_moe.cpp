// GLM 4.5 and 4.6: DeepSeek's experts behind attention of the usual kind.
#include "models/nets/families/readers.hpp"

#include "models/nets/families/family.hpp"
#include "models/nets/families/fine_experts.hpp"

namespace model_server {

decoder_spec read_glm4_moe(const config_fields& config) {
  auto spec = begin_decoder(
      config, {.kv_heads = 8, .context = 131072, .epsilon = 1e-5});
  spec.ropes = {read_rope(config, spec, 10000.0, 0.5)};
  spec.activate = read_activation(config, "hidden_act", "silu");
  auto has_bias = config.boolean("attention_bias").value_or(false);
  auto has_head_norms = config.boolean("use_qk_norm").value_or(false);
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    auto& layer = spec.layers[i];
    auto name = layer_name(spec, i);
    layer.attention_norm = norm(name + "input_layernorm");
    layer.attention =
        split_attention(spec, name + "self_attn.", {has_bias, false});
    if (has_head_norms) {
      layer.attention.query_norm = norm(name + "self_attn.q_norm");
      layer.attention.key_norm = norm(name + "self_attn.k_norm");
    }
    layer.mlp_norm = norm(name + "post_attention_layernorm");
  }
  add_fine_experts(config, spec,
                   {.count = 128, .chosen = 8, .shared = 1, .dense = 1});
  choose_by_sigmoid(config, spec, true);
  return spec;
}

} // namespace model_server
