// Arcee's AFM: a Llama whose MLP is relu squared, without a gate.
#include "models/nets/families/readers.hpp"

#include "models/nets/families/family.hpp"

namespace model_server {

decoder_spec read_arcee(const config_fields& config) {
  auto spec = read_llama(config);
  spec.activate = read_activation(config, "hidden_act", "relu2");
  auto has_bias = config.boolean("mlp_bias").value_or(false);
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    auto name = layer_name(spec, i) + "mlp.";
    spec.layers[i].mlp =
        plain_mlp(spec, name + "up_proj", name + "down_proj", has_bias);
  }
  return spec;
}

} // namespace model_server
