// StarCoder 2.
#include "models/nets/families/readers.hpp"

#include "models/nets/families/family.hpp"

namespace model_server {

decoder_spec read_starcoder2(const config_fields& config) {
  auto spec = begin_decoder(
      config,
      {.kv_heads = 2, .context = 4096, .epsilon = 1e-5, .is_tied = true},
      {.epsilon = {"norm_epsilon"}});
  spec.norms = norm_kind::layer;
  spec.norm = norm(spec.prefix + "norm", true);
  spec.ropes = {read_rope(config, spec)};
  spec.activate = read_activation(config, "hidden_act", "gelu_pytorch_tanh");
  auto has_bias = config.boolean("use_bias").value_or(true);
  auto window = read_size_or(config, {"sliding_window"}, 0);
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    auto& layer = spec.layers[i];
    auto name = layer_name(spec, i);
    layer.attention_norm = norm(name + "input_layernorm", true);
    layer.attention =
        split_attention(spec, name + "self_attn.", {has_bias, has_bias});
    layer.attention.window = window;
    layer.mlp_norm = norm(name + "post_attention_layernorm", true);
    layer.mlp =
        plain_mlp(spec, name + "mlp.c_fc", name + "mlp.c_proj", has_bias);
  }
  return spec;
}

} // namespace model_server
