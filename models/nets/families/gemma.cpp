// Gemma 1, 2 and the text part of 3.
#include "models/nets/families/readers.hpp"

#include "models/nets/families/family.hpp"
#include "models/weights/token_list.hpp"

#include <cmath>

namespace model_server {

namespace {

// Norms add 1 to their weights, and embeddings are scaled.
decoder_spec begin_gemma(const config_fields& config,
                         const family_defaults& defaults) {
  auto spec = begin_decoder(config, defaults);
  spec.norm_offset = 1.0;
  // Rounded as the reference rounds it.
  spec.embedding_scale = static_cast<double>(
      static_cast<float>(std::sqrt(static_cast<double>(spec.hidden))));
  // Not `hidden_act`: the first files say `gelu` there, and mean this.
  spec.activate =
      read_activation(config, "hidden_activation", "gelu_pytorch_tanh");
  return spec;
}

void add_layers(const config_fields& config, decoder_spec& spec) {
  auto has_bias = config.boolean("attention_bias").value_or(false);
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    auto& layer = spec.layers[i];
    auto name = layer_name(spec, i);
    layer.attention_norm = norm(name + "input_layernorm");
    layer.attention =
        split_attention(spec, name + "self_attn.", {has_bias, has_bias});
    layer.mlp_norm = norm(name + "post_attention_layernorm");
    layer.mlp = gated_mlp(spec, name + "mlp.", spec.intermediate);
  }
}

// Norms on both sides of attention and MLP, softly capped scores, and layers
// that see a window.
void add_second_generation(const config_fields& config, decoder_spec& spec,
                           const std::vector<bool>& slides) {
  require_flag(config, "use_bidirectional_attention", false);
  auto window = read_size_or(config, {"sliding_window"}, 4096);
  auto scale =
      read_number_or(config, "query_pre_attn_scalar", 1e-6, 1e9, 256.0);
  spec.score_softcap =
      config.number("final_logit_softcapping", 0.0, 1e9).value_or(0.0);
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    auto& layer = spec.layers[i];
    auto name = layer_name(spec, i);
    layer.attention_out_norm = norm(name + "post_attention_layernorm");
    layer.mlp_norm = norm(name + "pre_feedforward_layernorm");
    layer.mlp_out_norm = norm(name + "post_feedforward_layernorm");
    layer.attention.scale = 1.0 / std::sqrt(scale);
    layer.attention.softcap =
        config.number("attn_logit_softcapping", 0.0, 1e9).value_or(0.0);
    layer.attention.window = slides[i] ? window : 0;
  }
}

// Every `period`-th layer sees all.
std::vector<bool> slides_but_every(const config_fields& config,
                                   std::size_t layers, std::size_t period) {
  if (config.find("layer_types") != nullptr)
    return read_sliding_layers(config, layers, false);
  std::vector<bool> result;
  for (std::size_t i = 0; i < layers; ++i)
    result.push_back((i + 1) % period != 0);
  return result;
}

decoder_spec read_gemma3_text(const config_fields& config) {
  // A text part inside a larger file says only what is not the rule.
  auto spec = begin_gemma(config, {.vocabulary = 262208,
                                   .hidden = 2304,
                                   .layers = 26,
                                   .heads = 8,
                                   .kv_heads = 4,
                                   .head = 256,
                                   .intermediate = 9216,
                                   .context = 131072,
                                   .is_tied = true});
  auto global = read_rope(config, spec, 1e6);
  rope_spec local;
  local.size = global.size;
  local.theta =
      read_number_or(config, "rope_local_base_freq", 1.0, 1e15, 10000.0);
  if (auto kinds = config.object("rope_parameters")) {
    if (auto object = kinds->object("full_attention"))
      global = read_rope_object(*object, config, spec, 1e6);
    if (auto object = kinds->object("sliding_attention"))
      local = read_rope_object(*object, config, spec, 10000.0);
  }
  spec.ropes = {global, local};
  add_layers(config, spec);
  auto period = read_size_or(config, {"sliding_window_pattern"}, 6);
  auto slides = slides_but_every(config, spec.layers.size(), period);
  add_second_generation(config, spec, slides);
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    auto name = layer_name(spec, i) + "self_attn.";
    auto& attention = spec.layers[i].attention;
    attention.query_norm = norm(name + "q_norm");
    attention.key_norm = norm(name + "k_norm");
    attention.rope = slides[i] ? 1 : 0;
  }
  spec.other_prefixes = {"language_model.model.", "model.language_model."};
  return spec;
}

} // namespace

decoder_spec read_gemma(const config_fields& config) {
  auto spec = begin_gemma(
      config, {.kv_heads = 16, .head = 256, .context = 8192, .is_tied = true});
  spec.ropes = {read_rope(config, spec)};
  add_layers(config, spec);
  return spec;
}

decoder_spec read_gemma2(const config_fields& config) {
  auto spec = begin_gemma(
      config, {.kv_heads = 4, .head = 256, .context = 8192, .is_tied = true});
  spec.ropes = {read_rope(config, spec)};
  add_layers(config, spec);
  add_second_generation(config, spec,
                        slides_but_every(config, spec.layers.size(), 2));
  // These files may leave out what is the rule; null is none.
  if (!config.has("final_logit_softcapping"))
    spec.score_softcap = 30.0;
  if (!config.has("attn_logit_softcapping"))
    for (auto& layer : spec.layers)
      layer.attention.softcap = 50.0;
  return spec;
}

decoder_spec read_gemma3(const config_fields& config) {
  auto text = config.object("text_config");
  if (!text)
    return read_gemma3_text(config);
  // Beside a part that sees pictures, which is not used.
  require_whole_weights(config);
  auto spec = read_gemma3_text(*text);
  if (spec.end_tokens.empty())
    spec.end_tokens = read_token_list(config, "eos_token_id");
  return spec;
}

} // namespace model_server
