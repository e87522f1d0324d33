// Mixtral: a Mistral with some of many feed-forward networks.
#include "models/nets/families/readers.hpp"

#include "models/nets/families/family.hpp"

#include <fmt/format.h>

namespace model_server {

decoder_spec read_mixtral(const config_fields& config) {
  auto spec = read_mistral(config);
  auto count = read_experts_of_layer(
      config, {"num_local_experts", "num_experts"}, 8, spec.layers.size());
  auto chosen = read_chosen_experts(config, "num_experts_per_tok", 2, count);
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    auto name = layer_name(spec, i) + "block_sparse_moe.";
    experts_spec experts;
    experts.router = linear(name + "gate", count, spec.hidden);
    experts.chosen = chosen;
    experts.is_normalized = true;
    for (std::size_t e = 0; e < count; ++e) {
      auto expert = fmt::format("{}experts.{}.", name, e);
      experts.experts.push_back(
          {linear(expert + "w1", spec.intermediate, spec.hidden),
           linear(expert + "w3", spec.intermediate, spec.hidden),
           linear(expert + "w2", spec.hidden, spec.intermediate)});
    }
    spec.layers[i].experts = std::move(experts);
  }
  return spec;
}

} // namespace model_server
