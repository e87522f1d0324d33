// Seed-OSS: a Llama with biases at queries, keys and values.
#include "models/nets/families/readers.hpp"

#include "models/nets/families/family.hpp"

namespace model_server {

decoder_spec read_seed_oss(const config_fields& config) {
  auto spec = read_llama(config);
  auto inputs = config.boolean("attention_bias").value_or(true);
  auto output = config.boolean("attention_out_bias").value_or(false);
  for (std::size_t i = 0; i < spec.layers.size(); ++i)
    spec.layers[i].attention = split_attention(
        spec, layer_name(spec, i) + "self_attn.", {inputs, output});
  return spec;
}

} // namespace model_server
