// Command-R and Command-R 7B (Cohere 1 and 2).
#include "models/nets/families/readers.hpp"

#include "models/nets/families/family.hpp"

namespace model_server {

namespace {

decoder_spec read(const config_fields& config) {
  auto spec =
      begin_decoder(config, {.context = 8192, .epsilon = 1e-5, .is_tied = true},
                    {.epsilon = {"layer_norm_eps"}});
  spec.norms = norm_kind::layer;
  spec.head_norms = norm_kind::layer;
  spec.head_norm_over = head_norm_scope::each_head;
  spec.is_parallel = true;
  spec.score_scale = read_number_or(config, "logit_scale", 1e-9, 1e9, 0.0625);
  spec.activate = read_activation(config, "hidden_act", "silu");
  spec.ropes = {read_rope(config, spec)};
  spec.ropes[0].is_interleaved = true;
  auto has_bias = config.boolean("attention_bias").value_or(false);
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    auto& layer = spec.layers[i];
    auto name = layer_name(spec, i);
    layer.attention_norm = norm(name + "input_layernorm");
    layer.attention =
        split_attention(spec, name + "self_attn.", {has_bias, has_bias});
    layer.mlp = gated_mlp(spec, name + "mlp.", spec.intermediate);
  }
  return spec;
}

} // namespace

decoder_spec read_cohere(const config_fields& config) {
  auto spec = read(config);
  if (config.boolean("use_qk_norm").value_or(false))
    for (std::size_t i = 0; i < spec.layers.size(); ++i) {
      auto name = layer_name(spec, i) + "self_attn.";
      spec.layers[i].attention.query_norm = norm(name + "q_norm");
      spec.layers[i].attention.key_norm = norm(name + "k_norm");
    }
  return spec;
}

// Layers that see all know no positions.
decoder_spec read_cohere2(const config_fields& config) {
  auto spec = read(config);
  auto window = read_size_or(config, {"sliding_window"}, 4096);
  auto period = read_size_or(config, {"sliding_window_pattern"}, 4);
  auto given = config.find("layer_types") != nullptr;
  auto slides = read_sliding_layers(config, spec.layers.size(), false);
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    auto& attention = spec.layers[i].attention;
    if (given ? slides[i] : (i + 1) % period != 0)
      attention.window = window;
    else
      attention.rope.reset();
  }
  return spec;
}

} // namespace model_server
