// Llama 1 to 3.x and all that call themselves so, and Mistral.
#include "models/nets/families/readers.hpp"

#include "models/nets/families/family.hpp"
#include "models/weights/token_list.hpp"

namespace model_server {

namespace {

decoder_spec read(const config_fields& config,
                  const family_defaults& defaults) {
  auto spec = begin_decoder(config, defaults);
  spec.ropes = {read_rope(config, spec)};
  spec.activate = read_activation(config, "hidden_act", "silu");
  auto has_bias = config.boolean("attention_bias").value_or(false);
  auto mlp_bias = config.boolean("mlp_bias").value_or(false);
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    auto& layer = spec.layers[i];
    auto name = layer_name(spec, i);
    layer.attention_norm = norm(name + "input_layernorm");
    layer.attention =
        split_attention(spec, name + "self_attn.", {has_bias, has_bias});
    layer.mlp_norm = norm(name + "post_attention_layernorm");
    layer.mlp = gated_mlp(spec, name + "mlp.", spec.intermediate, mlp_bias);
  }
  return spec;
}

// One window for all layers, or none.
decoder_spec read_with_window(const config_fields& config,
                              std::size_t context) {
  auto spec = read(config, {.kv_heads = 8, .context = context});
  auto window = read_size_or(config, {"sliding_window"}, 0);
  for (auto& layer : spec.layers)
    layer.attention.window = window;
  return spec;
}

} // namespace

decoder_spec read_llama(const config_fields& config) {
  return read(config, {});
}

decoder_spec read_mistral(const config_fields& config) {
  return read_with_window(config, 4096 * 32);
}

// Positions that are stretched, and queries that grow with them.
decoder_spec read_ministral3(const config_fields& config) {
  auto spec = read_with_window(config, 1 << 18);
  spec.ropes = {
      read_rope_or_rule(config, spec, 1e6,
                        R"({"rope_type": "yarn", "factor": 16.0, "mscale": 1.0,
                            "mscale_all_dim": 1.0, "llama_4_scaling_beta": 0.1,
                            "original_max_position_embeddings": 16384})")};
  return spec;
}

// Mistral Small 3.1 and later, Ministral 3: such a network beside a part that
// sees pictures, which is not used.
decoder_spec read_mistral3(const config_fields& config) {
  require_whole_weights(config);
  auto text = config.object("text_config");
  if (!text)
    config.refuse("text_config", "but the network is described there");
  auto type = text->text("model_type").value_or("mistral");
  if (type != "mistral" && type != "ministral3")
    text->refuse("model_type", "only mistral and ministral3 are built in");
  auto spec = type == "mistral" ? read_mistral(*text) : read_ministral3(*text);
  spec.other_prefixes = {"language_model.model.", "model.language_model."};
  if (spec.end_tokens.empty())
    spec.end_tokens = read_token_list(config, "eos_token_id");
  return spec;
}

} // namespace model_server
