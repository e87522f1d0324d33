// GLM-4: as transformers has it, and as it was first published.
#include "models/nets/families/readers.hpp"

#include "models/nets/families/family.hpp"

namespace model_server {

namespace {

decoder_spec read(const config_fields& config, bool has_outer_norms) {
  auto spec = begin_decoder(
      config,
      {.kv_heads = 2, .head = 128, .context = 131072, .epsilon = 1.5625e-7});
  spec.ropes = {read_rope(config, spec, 10000.0, 0.5)};
  spec.ropes[0].is_interleaved = true;
  spec.activate = read_activation(config, "hidden_act", "silu");
  auto has_bias = config.boolean("attention_bias").value_or(true);
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    auto& layer = spec.layers[i];
    auto name = layer_name(spec, i);
    layer.attention_norm = norm(name + "input_layernorm");
    layer.attention =
        split_attention(spec, name + "self_attn.", {has_bias, false});
    layer.mlp_norm = norm(name + "post_attention_layernorm");
    layer.mlp =
        joined_mlp(spec, name + "mlp.gate_up_proj", name + "mlp.down_proj");
    if (has_outer_norms) {
      layer.attention_out_norm = norm(name + "post_self_attn_layernorm");
      layer.mlp_out_norm = norm(name + "post_mlp_layernorm");
    }
  }
  return spec;
}

} // namespace

decoder_spec read_glm(const config_fields& config) {
  return read(config, false);
}

decoder_spec read_glm4(const config_fields& config) {
  return read(config, true);
}

decoder_spec read_chatglm(const config_fields& config) {
  for (auto key : {"rmsnorm", "post_layer_norm", "multi_query_attention"})
    require_flag(config, key, true);
  for (auto key :
       {"add_bias_linear", "apply_residual_connection_post_layernorm"})
    require_flag(config, key, false);
  auto spec = begin_decoder(config, {.head = 128, .epsilon = 1e-5},
                            {.vocabulary = {"padded_vocab_size", "vocab_size"},
                             .layers = {"num_layers", "num_hidden_layers"},
                             .kv_heads = {"multi_query_group_num"},
                             .head = {"kv_channels"},
                             .intermediate = {"ffn_hidden_size"},
                             .context = {"seq_length"},
                             .epsilon = {"layernorm_epsilon"}},
                            "transformer.");
  spec.embedding.tensor = spec.prefix + "embedding.word_embeddings.weight";
  if (spec.scores.is_there())
    spec.scores.tensor = spec.prefix + "output_layer.weight";
  spec.norm = norm(spec.prefix + "encoder.final_layernorm");
  auto ratio = read_number_or(config, "rope_ratio", 1e-6, 1e9, 1.0);
  spec.ropes = {read_rope(config, spec, 10000.0 * ratio, 0.5)};
  spec.ropes[0].is_interleaved = true;
  auto has_bias = config.boolean("add_qkv_bias").value_or(false);
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    auto& layer = spec.layers[i];
    auto name = layer_name(spec, i, "encoder.layers");
    layer.attention_norm = norm(name + "input_layernorm");
    layer.attention =
        joined_attention(spec, name + "self_attention.query_key_value",
                         name + "self_attention.dense", {has_bias, false});
    layer.mlp_norm = norm(name + "post_attention_layernorm");
    layer.mlp = joined_mlp(spec, name + "mlp.dense_h_to_4h",
                           name + "mlp.dense_4h_to_h");
  }
  return spec;
}

} // namespace model_server
