// GPT-2, and GPT BigCode, of which StarCoder 1 is one.
#include "models/nets/families/readers.hpp"

#include "models/nets/families/family.hpp"

#include <cmath>

namespace model_server {

namespace {

// Positions are vectors that are added to the embedding. `is_transposed` tells
// how matrices are stored.
decoder_spec read(const config_fields& config, const char* activation,
                  std::size_t kv_heads, bool is_transposed, bool is_grouped) {
  auto inner = 4 * read_size(config, {"n_embd", "hidden_size"});
  auto spec =
      begin_decoder(config,
                    {.kv_heads = kv_heads,
                     .intermediate = inner,
                     .context = 1024,
                     .epsilon = 1e-5,
                     .is_tied = true},
                    {.hidden = {"n_embd", "hidden_size"},
                     .layers = {"n_layer", "num_hidden_layers"},
                     .heads = {"n_head", "num_attention_heads"},
                     .kv_heads = {"no such key"},
                     .intermediate = {"n_inner"},
                     .context = {"n_positions", "max_position_embeddings"},
                     .epsilon = {"layer_norm_epsilon"}},
                    "transformer.");
  spec.other_prefixes = {""};
  spec.norms = norm_kind::layer;
  spec.activate = read_activation(config, "activation_function", activation);
  spec.embedding.tensor = spec.prefix + "wte.weight";
  spec.positions = spec.prefix + "wpe.weight";
  spec.norm = norm(spec.prefix + "ln_f", true);
  auto is_scaled = config.boolean("scale_attn_weights").value_or(true);
  auto by_layer =
      config.boolean("scale_attn_by_inverse_layer_idx").value_or(false);
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    auto& layer = spec.layers[i];
    auto name = layer_name(spec, i, "h");
    auto joined = name + "attn.c_attn";
    auto output = name + "attn.c_proj";
    layer.attention_norm = norm(name + "ln_1", true);
    layer.attention =
        is_grouped ? grouped_attention(spec, joined, output, {true, true})
                   : joined_attention(spec, joined, output, {true, true});
    if (!is_scaled)
      layer.attention.scale = 1.0;
    if (by_layer)
      layer.attention.scale /= static_cast<double>(i + 1);
    layer.mlp_norm = norm(name + "ln_2", true);
    layer.mlp = plain_mlp(spec, name + "mlp.c_fc", name + "mlp.c_proj", true);
    for (auto* matrix :
         {&layer.attention.query, &layer.attention.key, &layer.attention.value,
          &layer.attention.output, &layer.mlp.gate, &layer.mlp.down})
      matrix->is_transposed = is_transposed;
  }
  return spec;
}

} // namespace

decoder_spec read_gpt2(const config_fields& config) {
  return read(config, "gelu_new", 0, true, false);
}

decoder_spec read_gpt_bigcode(const config_fields& config) {
  auto is_multi_query = config.boolean("multi_query").value_or(true);
  return read(config, "gelu_pytorch_tanh", is_multi_query ? 1 : 0, false,
              !is_multi_query);
}

} // namespace model_server
