// ERNIE 4.5 without experts: a Llama that turns neighbouring numbers.
#include "models/nets/families/readers.hpp"

#include "models/nets/families/family.hpp"

namespace model_server {

decoder_spec read_ernie(const config_fields& config) {
  require_flag(config, "use_bias", false);
  auto spec = read_llama(config);
  // Its files leave out that the head is the embedding.
  if (config.find("tie_word_embeddings") == nullptr)
    spec.scores = {};
  spec.ropes[0].is_interleaved = true;
  return spec;
}

} // namespace model_server
