// Qwen 1.5, 2, 2.5 and 3.
#include "models/nets/families/readers.hpp"

#include "models/nets/families/family.hpp"

namespace model_server {

namespace {

// The layers from `max_window_layers` on see a window, if any do.
void read_windows(const config_fields& config, decoder_spec& spec) {
  if (!config.boolean("use_sliding_window").value_or(false))
    return;
  auto window = read_size_or(config, {"sliding_window"}, 4096);
  auto first = read_number_or(config, "max_window_layers", 0.0, 1e6, 28.0);
  auto given = config.find("layer_types") != nullptr;
  auto slides = read_sliding_layers(config, spec.layers.size(), false);
  for (std::size_t i = 0; i < spec.layers.size(); ++i)
    if (given ? slides[i] : static_cast<double>(i) >= first)
      spec.layers[i].attention.window = window;
}

decoder_spec read(const config_fields& config, const family_defaults& defaults,
                  attention_biases biases) {
  auto spec = begin_decoder(config, defaults);
  spec.ropes = {read_rope(config, spec)};
  spec.activate = read_activation(config, "hidden_act", "silu");
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    auto& layer = spec.layers[i];
    auto name = layer_name(spec, i);
    layer.attention_norm = norm(name + "input_layernorm");
    layer.attention = split_attention(spec, name + "self_attn.", biases);
    layer.mlp_norm = norm(name + "post_attention_layernorm");
    layer.mlp = gated_mlp(spec, name + "mlp.", spec.intermediate);
  }
  read_windows(config, spec);
  return spec;
}

} // namespace

decoder_spec read_qwen2(const config_fields& config) {
  return read(config, {.kv_heads = 32, .context = 32768}, {true, false});
}

decoder_spec read_qwen3(const config_fields& config) {
  auto has_bias = config.boolean("attention_bias").value_or(false);
  auto spec = read(config, {.kv_heads = 32, .head = 128, .context = 32768},
                   {has_bias, has_bias});
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    auto name = layer_name(spec, i) + "self_attn.";
    spec.layers[i].attention.query_norm = norm(name + "q_norm");
    spec.layers[i].attention.key_norm = norm(name + "k_norm");
  }
  return spec;
}

} // namespace model_server
