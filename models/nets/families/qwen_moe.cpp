// Qwen 2 and 3 with some of many feed-forward networks.
#include "models/nets/families/readers.hpp"

#include "models/nets/families/family.hpp"

#include <algorithm>

namespace model_server {

namespace {

// Which layers have experts.
std::vector<bool> read_sparse_layers(const config_fields& config,
                                     std::size_t layers) {
  auto step = read_size_or(config, {"decoder_sparse_step"}, 1);
  std::vector<bool> result;
  for (std::size_t i = 0; i < layers; ++i)
    result.push_back((i + 1) % step == 0);
  if (auto list = config.find("mlp_only_layers"); list && list->IsArray())
    for (auto& item : list->GetArray())
      if (item.IsUint() && item.GetUint() < layers)
        result[item.GetUint()] = false;
  return result;
}

void add_experts(const config_fields& config, decoder_spec& spec,
                 std::size_t count, std::size_t chosen, std::size_t inner,
                 std::size_t shared) {
  count = read_experts_of_layer(config, {"num_experts", "num_local_experts"},
                                count, spec.layers.size());
  chosen = read_chosen_experts(config, "num_experts_per_tok", chosen, count);
  inner = read_size_or(config, {"moe_intermediate_size"}, inner);
  auto sparse = read_sparse_layers(config, spec.layers.size());
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    if (!sparse[i])
      continue;
    auto name = layer_name(spec, i) + "mlp.";
    auto experts = gated_experts(spec, name, count, inner);
    experts.chosen = chosen;
    experts.is_normalized = config.boolean("norm_topk_prob").value_or(false);
    if (shared != 0) {
      experts.shared = gated_mlp(spec, name + "shared_expert.", shared);
      experts.shared_gate = linear(name + "shared_expert_gate", 1, spec.hidden);
    }
    spec.layers[i].experts = std::move(experts);
  }
}

// All layers see the window.
void read_window(const config_fields& config, decoder_spec& spec) {
  for (auto& layer : spec.layers)
    layer.attention.window =
        config.boolean("use_sliding_window").value_or(false)
            ? read_size_or(config, {"sliding_window"}, 4096)
            : 0;
}

} // namespace

decoder_spec read_qwen2_moe(const config_fields& config) {
  require_flag(config, "use_sliding_window", false);
  auto spec = read_qwen2(config);
  if (!config.boolean("qkv_bias").value_or(true))
    for (auto& layer : spec.layers)
      for (auto* matrix : {&layer.attention.query, &layer.attention.key,
                           &layer.attention.value})
        matrix->bias.clear();
  auto shared = read_size_or(config, {"shared_expert_intermediate_size"}, 5632);
  add_experts(config, spec, 60, 4, 1408, shared);
  return spec;
}

decoder_spec read_qwen3_moe(const config_fields& config) {
  auto spec = read_qwen3(config);
  read_window(config, spec);
  add_experts(config, spec, 128, 8, 768, 0);
  return spec;
}

} // namespace model_server
