// Reads the keys about DeepSeek's experts.
#include "models/nets/families/fine_experts.hpp"

#include "models/nets/families/family.hpp"

#include <fmt/format.h>

namespace model_server {

namespace {

experts_spec read_experts(const config_fields& config, const decoder_spec& spec,
                          const std::string& name, std::size_t count,
                          std::size_t shared) {
  auto inner = read_size_or(config, {"moe_intermediate_size"}, 1407);
  auto mlp_bias = config.boolean("mlp_bias").value_or(false);
  auto result = gated_experts(spec, name, count, inner);
  result.scale = read_number_or(config, "routed_scaling_factor", 0.0, 1e6, 1.0);
  if (shared != 0)
    result.shared =
        gated_mlp(spec, name + "shared_experts.", inner * shared, mlp_bias);
  return result;
}

void read_groups(const config_fields& config, experts_spec& experts) {
  auto count = experts.experts.size();
  experts.groups = read_size_or(config, {"n_group"}, 1);
  experts.chosen_groups = read_size_or(config, {"topk_group"}, 1);
  if (count % experts.groups != 0)
    config.refuse("n_group", fmt::format("must divide the {} experts", count));
  if (experts.chosen_groups > experts.groups)
    config.refuse("topk_group",
                  fmt::format("must be at most the {} groups", experts.groups));
  if (experts.chosen > count / experts.groups * experts.chosen_groups)
    config.refuse("num_experts_per_tok",
                  "must be at most the experts of the chosen groups");
}

} // namespace

void add_fine_experts(const config_fields& config, decoder_spec& spec,
                      const fine_experts_defaults& defaults) {
  auto count =
      read_experts_of_layer(config, {"n_routed_experts", "num_local_experts"},
                            defaults.count, spec.layers.size());
  auto chosen = read_chosen_experts(config, "num_experts_per_tok",
                                    defaults.chosen, count);
  auto dense = static_cast<std::size_t>(
      config.integer("first_k_dense_replace", 0, 1 << 12)
          .value_or(static_cast<std::int64_t>(defaults.dense)));
  auto shared = static_cast<std::size_t>(
      config.integer("n_shared_experts", 0, 1 << 12)
          .value_or(static_cast<std::int64_t>(defaults.shared)));
  auto mlp_bias = config.boolean("mlp_bias").value_or(false);
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    auto& layer = spec.layers[i];
    auto name = layer_name(spec, i) + "mlp.";
    if (i < dense) {
      layer.mlp = gated_mlp(spec, name, spec.intermediate, mlp_bias);
      continue;
    }
    layer.experts = read_experts(config, spec, name, count, shared);
    layer.experts->chosen = chosen;
  }
}

void choose_in_groups(const config_fields& config, decoder_spec& spec) {
  for (auto& layer : spec.layers)
    if (layer.experts)
      read_groups(config, *layer.experts);
}

void choose_by_sigmoid(const config_fields& config, decoder_spec& spec,
                       bool is_normalized) {
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    auto& experts = spec.layers[i].experts;
    if (!experts)
      continue;
    experts->score = experts_spec::scoring::sigmoid;
    experts->is_normalized =
        config.boolean("norm_topk_prob").value_or(is_normalized);
    experts->correction =
        layer_name(spec, i) + "mlp.gate.e_score_correction_bias";
    experts->counts_two_of_group = true;
    read_groups(config, *experts);
  }
}

} // namespace model_server
