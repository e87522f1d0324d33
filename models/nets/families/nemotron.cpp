// Nemotron 3 and 4, Minitron: layer norms that add 1 to their weights, and relu
// squared without a gate.
#include "models/nets/families/readers.hpp"

#include "models/nets/families/family.hpp"

namespace model_server {

decoder_spec read_nemotron(const config_fields& config) {
  auto spec =
      begin_decoder(config, {.kv_heads = 0, .context = 4096, .epsilon = 1e-5},
                    {.epsilon = {"norm_eps"}});
  spec.norms = norm_kind::layer;
  spec.norm_offset = 1.0;
  spec.norm = norm(spec.prefix + "norm", true);
  spec.ropes = {read_rope(config, spec, 10000.0, 0.5)};
  spec.activate = read_activation(config, "hidden_act", "relu2");
  auto has_bias = config.boolean("attention_bias").value_or(false);
  auto mlp_bias = config.boolean("mlp_bias").value_or(false);
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    auto& layer = spec.layers[i];
    auto name = layer_name(spec, i);
    layer.attention_norm = norm(name + "input_layernorm", true);
    layer.attention =
        split_attention(spec, name + "self_attn.", {has_bias, has_bias});
    layer.mlp_norm = norm(name + "post_attention_layernorm", true);
    layer.mlp =
        plain_mlp(spec, name + "mlp.up_proj", name + "mlp.down_proj", mlp_bias);
  }
  return spec;
}

} // namespace model_server
