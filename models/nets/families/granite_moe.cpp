// Granite 3 with experts, and those that have a shared one.
#include "models/nets/families/readers.hpp"

#include "models/nets/families/family.hpp"

namespace model_server {

namespace {

// Experts lie in stacks, [experts, outputs, inputs], gate above up.
mlp_spec read_expert(const decoder_spec& spec, const std::string& name,
                     std::size_t expert, std::size_t count) {
  auto inner = spec.intermediate;
  auto stacked = [&](const std::string& tensor, std::size_t outputs,
                     std::size_t inputs) {
    matrix_source result;
    result.tensor = name + tensor + ".weight";
    result.outputs = outputs;
    result.inputs = inputs;
    result.items = count;
    result.item = expert;
    return result;
  };
  auto joined = stacked("input_linear", 2 * inner, spec.hidden);
  return {rows_of(joined, "gate", {{0, inner}}),
          rows_of(joined, "up", {{inner, inner}}),
          stacked("output_linear", spec.hidden, inner)};
}

mlp_spec read_shared(const decoder_spec& spec, const std::string& name,
                     std::size_t inner) {
  auto joined = linear(name + "input_linear", 2 * inner, spec.hidden);
  return {rows_of(joined, "gate", {{0, inner}}),
          rows_of(joined, "up", {{inner, inner}}),
          linear(name + "output_linear", spec.hidden, inner)};
}

} // namespace

decoder_spec read_granite_moe(const config_fields& config) {
  auto spec = read_granite(config);
  auto count = read_experts_of_layer(
      config, {"num_local_experts", "num_experts"}, 8, spec.layers.size());
  auto chosen = read_chosen_experts(config, "num_experts_per_tok", 2, count);
  auto shared = config.integer("shared_intermediate_size", 0, 1 << 24);
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    auto name = layer_name(spec, i);
    auto many = name + "block_sparse_moe.";
    experts_spec experts;
    experts.router = linear(many + "router.layer", count, spec.hidden);
    experts.score = experts_spec::scoring::softmax_of_chosen;
    experts.chosen = chosen;
    for (std::size_t e = 0; e < count; ++e)
      experts.experts.push_back(read_expert(spec, many, e, count));
    if (shared.value_or(0) != 0)
      experts.shared = read_shared(spec, name + "shared_mlp.",
                                   static_cast<std::size_t>(*shared));
    spec.layers[i].experts = std::move(experts);
  }
  return spec;
}

} // namespace model_server
