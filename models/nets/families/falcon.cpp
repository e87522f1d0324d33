// Falcon RW, 7B, 40B, 180B and their like.
#include "models/nets/families/readers.hpp"

#include "models/nets/families/family.hpp"

#include <cmath>

namespace model_server {

namespace {

// That of 40B, with groups of heads. Before it had a name only its files had
// their number.
bool is_new_architecture(const config_fields& config) {
  return config.boolean("new_decoder_architecture")
      .value_or(config.find("n_head_kv") != nullptr);
}

// Heads that share a key: all, groups, or none.
std::size_t read_kv_heads(const config_fields& config, std::size_t heads) {
  if (is_new_architecture(config))
    return read_size_or(config, {"num_kv_heads", "n_head_kv"}, heads);
  return config.boolean("multi_query").value_or(true) ? 1 : heads;
}

void add_norms(layer_spec& layer, const std::string& name, bool is_parallel,
               bool has_two) {
  if (is_parallel && has_two) {
    layer.attention_norm = norm(name + "ln_attn", true);
    layer.mlp_norm = norm(name + "ln_mlp", true);
    return;
  }
  layer.attention_norm = norm(name + "input_layernorm", true);
  if (!is_parallel)
    layer.mlp_norm = norm(name + "post_attention_layernorm", true);
}

// Of Falcon RW; they are scaled as the scores are.
void read_slopes(decoder_spec& spec) {
  spec.slopes = alibi_slopes(spec.heads);
  for (auto& slope : spec.slopes)
    slope /= std::sqrt(static_cast<float>(spec.head));
}

} // namespace

decoder_spec read_falcon(const config_fields& config) {
  auto heads = read_size(config, {"num_attention_heads", "n_head"});
  auto inner = 4 * read_size(config, {"hidden_size"});
  auto spec = begin_decoder(config,
                            {.kv_heads = read_kv_heads(config, heads),
                             .intermediate = inner,
                             .epsilon = 1e-5,
                             .is_tied = true},
                            {.layers = {"num_hidden_layers", "n_layer"},
                             .heads = {"num_attention_heads", "n_head"},
                             .kv_heads = {"no such key"},
                             .intermediate = {"ffn_hidden_size"},
                             .epsilon = {"layer_norm_epsilon"}},
                            "transformer.");
  auto is_new = is_new_architecture(config);
  spec.norms = norm_kind::layer;
  spec.is_parallel = config.boolean("parallel_attn").value_or(true);
  if (is_new && !spec.is_parallel)
    config.refuse("parallel_attn", "must be true in the new architecture");
  spec.activate = read_activation(config, "activation", "gelu");
  if (config.boolean("alibi").value_or(false))
    read_slopes(spec);
  else
    spec.ropes = {read_rope(config, spec)};
  spec.embedding.tensor = spec.prefix + "word_embeddings.weight";
  spec.norm = norm(spec.prefix + "ln_f", true);
  auto has_bias = config.boolean("bias").value_or(false);
  auto has_two =
      is_new && read_size_or(config, {"num_ln_in_parallel_attn"}, 2) == 2;
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    auto& layer = spec.layers[i];
    auto name = layer_name(spec, i, "h");
    add_norms(layer, name, spec.is_parallel, has_two);
    layer.attention =
        grouped_attention(spec, name + "self_attention.query_key_value",
                          name + "self_attention.dense", {has_bias, has_bias});
    layer.mlp = plain_mlp(spec, name + "mlp.dense_h_to_4h",
                          name + "mlp.dense_4h_to_h", has_bias);
  }
  return spec;
}

} // namespace model_server
