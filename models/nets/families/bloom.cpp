// Bloom and Bloomz: ALiBi, and a norm on the embedding.
#include "models/nets/families/readers.hpp"

#include "models/nets/families/family.hpp"

namespace model_server {

decoder_spec read_bloom(const config_fields& config) {
  require_flag(config, "apply_residual_connection_post_layernorm", false);
  auto inner = 4 * read_size(config, {"hidden_size", "n_embed"});
  auto spec = begin_decoder(
      config, {.intermediate = inner, .epsilon = 1e-5, .is_tied = true},
      {.hidden = {"hidden_size", "n_embed"},
       .layers = {"n_layer", "num_hidden_layers"},
       .heads = {"n_head", "num_attention_heads"},
       .kv_heads = {"no such key"},
       .intermediate = {"no such key"},
       .context = {"seq_length"},
       .epsilon = {"layer_norm_epsilon"}},
      "transformer.");
  spec.other_prefixes = {""};
  spec.norms = norm_kind::layer;
  spec.activate = activation::gelu_tanh;
  spec.slopes = alibi_slopes(spec.heads);
  spec.embedding.tensor = spec.prefix + "word_embeddings.weight";
  spec.embedding_norm = norm(spec.prefix + "word_embeddings_layernorm", true);
  spec.norm = norm(spec.prefix + "ln_f", true);
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    auto& layer = spec.layers[i];
    auto name = layer_name(spec, i, "h");
    layer.attention_norm = norm(name + "input_layernorm", true);
    layer.attention =
        grouped_attention(spec, name + "self_attention.query_key_value",
                          name + "self_attention.dense", {true, true});
    layer.mlp_norm = norm(name + "post_attention_layernorm", true);
    layer.mlp = plain_mlp(spec, name + "mlp.dense_h_to_4h",
                          name + "mlp.dense_4h_to_h", true);
  }
  return spec;
}

} // namespace model_server
