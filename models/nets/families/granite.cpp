// Granite 3, and MiniCPM: a Llama with scales.
#include "models/nets/families/readers.hpp"

#include "models/nets/families/family.hpp"

#include <cmath>

namespace model_server {

decoder_spec read_granite(const config_fields& config) {
  auto spec = read_llama(config);
  auto read = [&config](const char* key) {
    return read_number_or(config, key, 1e-9, 1e9, 1.0);
  };
  spec.embedding_scale = read("embedding_multiplier");
  spec.residual_scale = read("residual_multiplier");
  spec.score_scale = 1.0 / read("logits_scaling");
  for (auto& layer : spec.layers)
    layer.attention.scale = read("attention_multiplier");
  return spec;
}

decoder_spec read_minicpm(const config_fields& config) {
  auto spec = read_llama(config);
  // Its files leave out that the head is the embedding.
  if (config.find("tie_word_embeddings") == nullptr)
    spec.scores = {};
  auto depth = static_cast<double>(spec.layers.size());
  auto base = config.number("dim_model_base", 1e-9, 1e9);
  spec.embedding_scale = read_number_or(config, "scale_emb", 1e-9, 1e9, 1.0);
  if (auto scale = config.number("scale_depth", 1e-9, 1e9))
    spec.residual_scale = *scale / std::sqrt(depth);
  if (base)
    spec.score_scale = *base / static_cast<double>(spec.hidden);
  return spec;
}

} // namespace model_server
