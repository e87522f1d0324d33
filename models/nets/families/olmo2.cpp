// OLMo 2 and 3: norms behind attention and MLP, not before them.
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

// Three of four layers see a window, and their positions are not scaled.
decoder_spec read_olmo3(const config_fields& config) {
  auto spec = read_olmo2(config);
  auto window = read_size_or(config, {"sliding_window"}, 4096);
  auto given = config.find("layer_types") != nullptr;
  auto slides = read_sliding_layers(config, spec.layers.size(), false);
  rope_spec unscaled;
  unscaled.size = spec.ropes[0].size;
  unscaled.theta = spec.ropes[0].theta;
  spec.ropes.push_back(unscaled);
  for (std::size_t i = 0; i < spec.layers.size(); ++i)
    if (given ? slides[i] : (i + 1) % 4 != 0) {
      spec.layers[i].attention.window = window;
      spec.layers[i].attention.rope = 1;
    }
  return spec;
}

} // namespace model_server
