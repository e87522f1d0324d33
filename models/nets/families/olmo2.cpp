// OLMo 2: norms behind attention and MLP, not before them.
#include "models/nets/families/readers.hpp"

#include "models/nets/families/family.hpp"

namespace model_server {

decoder_spec read_olmo2(const config_fields& config) {
  auto spec = begin_decoder(config, {.epsilon = 1e-5});
  spec.ropes = {read_rope(config, spec)};
  spec.activate = read_activation(config, "hidden_act", "silu");
  spec.head_norm_over = head_norm_scope::all;
  auto has_bias = config.boolean("attention_bias").value_or(false);
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    auto& layer = spec.layers[i];
    auto name = layer_name(spec, i);
    auto attention = name + "self_attn.";
    layer.attention = split_attention(spec, attention, {has_bias, has_bias});
    layer.attention.query_norm = norm(attention + "q_norm");
    layer.attention.key_norm = norm(attention + "k_norm");
    layer.attention_out_norm = norm(name + "post_attention_layernorm");
    layer.mlp = gated_mlp(spec, name + "mlp.", spec.intermediate);
    layer.mlp_out_norm = norm(name + "post_feedforward_layernorm");
  }
  return spec;
}

} // namespace model_server
