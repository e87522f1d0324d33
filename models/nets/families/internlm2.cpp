// InternLM 2 and 2.5.
#include "models/nets/families/readers.hpp"

#include "models/nets/families/family.hpp"

namespace model_server {

decoder_spec read_internlm2(const config_fields& config) {
  auto spec = begin_decoder(config);
  spec.ropes = {read_rope(config, spec)};
  spec.activate = read_activation(config, "hidden_act", "silu");
  spec.embedding.tensor = spec.prefix + "tok_embeddings.weight";
  if (spec.scores.is_there())
    spec.scores.tensor = "output.weight";
  auto has_bias = config.boolean("bias").value_or(true);
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    auto& layer = spec.layers[i];
    auto name = layer_name(spec, i);
    auto mlp = name + "feed_forward.";
    layer.attention_norm = norm(name + "attention_norm");
    layer.attention =
        grouped_attention(spec, name + "attention.wqkv", name + "attention.wo",
                          {has_bias, has_bias});
    layer.mlp_norm = norm(name + "ffn_norm");
    layer.mlp = {linear(mlp + "w1", spec.intermediate, spec.hidden),
                 linear(mlp + "w3", spec.intermediate, spec.hidden),
                 linear(mlp + "w2", spec.hidden, spec.intermediate)};
  }
  return spec;
}

} // namespace model_server
