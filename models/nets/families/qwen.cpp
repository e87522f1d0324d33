// Qwen 1.
#include "models/nets/families/readers.hpp"

#include "models/nets/families/family.hpp"

namespace model_server {

decoder_spec read_qwen(const config_fields& config) {
  require_flag(config, "no_bias", true);
  // Beyond `seq_length` it scales positions and scores by how long a sequence
  // is; within it there is nothing of that.
  auto spec =
      begin_decoder(config, {},
                    {.hidden = {"hidden_size", "n_embd"},
                     .layers = {"num_hidden_layers", "n_layer"},
                     .heads = {"num_attention_heads", "n_head"},
                     .kv_heads = {"no such key"},
                     .head = {"kv_channels"},
                     .intermediate = {"intermediate_size", "ffn_hidden_size"},
                     .context = {"seq_length"},
                     .epsilon = {"layer_norm_epsilon"}},
                    "transformer.");
  // Both halves of the file's number.
  spec.intermediate /= 2;
  auto base = read_number_or(config, "rotary_emb_base", 1.0, 1e15, 10000.0);
  auto share = config.number("rotary_pct", 1e-6, 1.0).value_or(1.0);
  spec.ropes = {read_rope(config, spec, base, share)};
  spec.embedding.tensor = spec.prefix + "wte.weight";
  spec.norm = norm(spec.prefix + "ln_f");
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    auto& layer = spec.layers[i];
    auto name = layer_name(spec, i, "h");
    layer.attention_norm = norm(name + "ln_1");
    layer.attention = joined_attention(spec, name + "attn.c_attn",
                                       name + "attn.c_proj", {true, false});
    layer.mlp_norm = norm(name + "ln_2");
    layer.mlp = {linear(name + "mlp.w2", spec.intermediate, spec.hidden),
                 linear(name + "mlp.w1", spec.intermediate, spec.hidden),
                 linear(name + "mlp.c_proj", spec.hidden, spec.intermediate)};
  }
  return spec;
}

} // namespace model_server
