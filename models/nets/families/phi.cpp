// Phi 1, 1.5 and 2.
#include "models/nets/families/readers.hpp"

#include "models/nets/families/family.hpp"

namespace model_server {

decoder_spec read_phi(const config_fields& config) {
  auto spec =
      begin_decoder(config, {.epsilon = 1e-5}, {.epsilon = {"layer_norm_eps"}});
  spec.norms = norm_kind::layer;
  spec.head_norms = norm_kind::layer;
  spec.is_parallel = true;
  spec.ropes = {read_rope(config, spec, 10000.0, 0.5)};
  spec.activate = read_activation(config, "hidden_act", "gelu_new");
  spec.norm = norm(spec.prefix + "final_layernorm", true);
  // A tied head would have a bias all the same, and no published model has one.
  require_flag(config, "tie_word_embeddings", false);
  if (spec.scores.is_there())
    spec.scores.bias = "lm_head.bias";
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    auto& layer = spec.layers[i];
    auto name = layer_name(spec, i);
    auto attention = name + "self_attn.";
    layer.attention_norm = norm(name + "input_layernorm", true);
    layer.attention = split_attention(spec, attention, {true, true});
    layer.attention.output =
        linear(attention + "dense", spec.hidden, spec.heads * spec.head, true);
    if (config.boolean("qk_layernorm").value_or(false)) {
      layer.attention.query_norm = norm(attention + "q_layernorm", true);
      layer.attention.key_norm = norm(attention + "k_layernorm", true);
    }
    layer.mlp = plain_mlp(spec, name + "mlp.fc1", name + "mlp.fc2", true);
  }
  return spec;
}

} // namespace model_server
