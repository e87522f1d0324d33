// GPT-NeoX, of which Pythia is one.
#include "models/nets/families/readers.hpp"

#include "models/nets/families/family.hpp"

namespace model_server {

decoder_spec read_gpt_neox(const config_fields& config) {
  auto spec = begin_decoder(
      config, {.epsilon = 1e-5},
      {.kv_heads = {"no such key"}, .epsilon = {"layer_norm_eps"}},
      "gpt_neox.");
  spec.norms = norm_kind::layer;
  spec.is_parallel = config.boolean("use_parallel_residual").value_or(true);
  spec.activate = read_activation(config, "hidden_act", "gelu");
  auto base = read_number_or(config, "rotary_emb_base", 1.0, 1e15, 10000.0);
  auto share = config.number("rotary_pct", 1e-6, 1.0).value_or(0.25);
  spec.ropes = {read_rope(config, spec, base, share)};
  spec.embedding.tensor = spec.prefix + "embed_in.weight";
  if (spec.scores.is_there())
    spec.scores.tensor = "embed_out.weight";
  spec.norm = norm(spec.prefix + "final_layer_norm", true);
  auto has_bias = config.boolean("attention_bias").value_or(true);
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    auto& layer = spec.layers[i];
    auto name = layer_name(spec, i);
    layer.attention_norm = norm(name + "input_layernorm", true);
    layer.attention =
        grouped_attention(spec, name + "attention.query_key_value",
                          name + "attention.dense", {has_bias, has_bias});
    layer.mlp_norm = norm(name + "post_attention_layernorm", true);
    layer.mlp = plain_mlp(spec, name + "mlp.dense_h_to_4h",
                          name + "mlp.dense_4h_to_h", true);
  }
  return spec;
}

} // namespace model_server
