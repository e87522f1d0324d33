// SmolLM 3: a Llama some layers of which know no positions.
#include "models/nets/families/readers.hpp"

#include "models/nets/families/family.hpp"

#include <fmt/format.h>

namespace model_server {

namespace {

// Which layers turn queries and keys: 1 in the file's list, or all but every
// so-many-th.
std::vector<bool> read_turned_layers(const config_fields& config,
                                     std::size_t layers) {
  auto period = read_size_or(config, {"no_rope_layer_interval"}, 4);
  std::vector<bool> result;
  for (std::size_t i = 0; i < layers; ++i)
    result.push_back((i + 1) % period != 0);
  auto list = config.find("no_rope_layers");
  if (list == nullptr)
    return result;
  if (!list->IsArray() || list->Size() != layers)
    config.refuse("no_rope_layers",
                  fmt::format("must be a list of {} numbers", layers));
  for (std::size_t i = 0; i < layers; ++i) {
    auto& item = (*list)[static_cast<rapidjson::SizeType>(i)];
    if (!item.IsInt())
      config.refuse("no_rope_layers", "must hold 0 and 1");
    result[i] = item.GetInt() != 0;
  }
  return result;
}

} // namespace

decoder_spec read_smollm3(const config_fields& config) {
  require_flag(config, "use_sliding_window", false);
  auto spec = read_llama(config);
  if (config.find("tie_word_embeddings") == nullptr)
    spec.scores = {};
  auto turned = read_turned_layers(config, spec.layers.size());
  for (std::size_t i = 0; i < spec.layers.size(); ++i)
    if (!turned[i])
      spec.layers[i].attention.rope.reset();
  return spec;
}

} // namespace model_server
