// OLMoE: a Llama with normed queries and keys, and experts.
#include "models/nets/families/readers.hpp"

#include "models/nets/families/family.hpp"

namespace model_server {

decoder_spec read_olmoe(const config_fields& config) {
  if (config.number("clip_qkv", 0.0, 1e9).value_or(0.0) != 0.0)
    config.refuse("clip_qkv", "limits to queries and keys are not built in");
  auto spec = read_llama(config);
  spec.head_norm_over = head_norm_scope::all;
  auto count = read_experts_of_layer(
      config, {"num_experts", "num_local_experts"}, 64, spec.layers.size());
  auto chosen = read_chosen_experts(config, "num_experts_per_tok", 8, count);
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    auto& layer = spec.layers[i];
    auto name = layer_name(spec, i);
    layer.attention.query_norm = norm(name + "self_attn.q_norm");
    layer.attention.key_norm = norm(name + "self_attn.k_norm");
    auto experts = gated_experts(spec, name + "mlp.", count, spec.intermediate);
    experts.chosen = chosen;
    experts.is_normalized = config.boolean("norm_topk_prob").value_or(false);
    layer.experts = std::move(experts);
  }
  return spec;
}

} // namespace model_server
