// EXAONE 4: an OLMo 2 with norms of each head, and layers that see a window.
#include "models/nets/families/readers.hpp"

#include "models/nets/families/family.hpp"

namespace model_server {

namespace {

// The pattern is a number, or letters that repeat: `LLLG`.
std::vector<bool> read_slides(const config_fields& config, std::size_t layers) {
  if (config.find("layer_types") != nullptr)
    return read_sliding_layers(config, layers, false);
  auto given = config.find("sliding_window_pattern");
  auto letters = given != nullptr && given->IsString()
                     ? config.text("sliding_window_pattern").value()
                     : std::string{};
  auto period = letters.empty()
                    ? read_size_or(config, {"sliding_window_pattern"}, 4)
                    : letters.size();
  std::vector<bool> result;
  for (std::size_t i = 0; i < layers; ++i) {
    auto is_local = letters.empty()
                        ? (i + 1) % period != 0
                        : letters[i % period] == 'L' && i + 1 != layers;
    result.push_back(is_local);
  }
  return result;
}

} // namespace

decoder_spec read_exaone4(const config_fields& config) {
  auto spec = read_olmo2(config);
  spec.head_norm_over = head_norm_scope::head;
  auto window = read_size_or(config, {"sliding_window"}, 0);
  if (window == 0)
    return spec;
  auto slides = read_slides(config, spec.layers.size());
  // Layers that see all know no positions.
  for (std::size_t i = 0; i < spec.layers.size(); ++i)
    if (slides[i])
      spec.layers[i].attention.window = window;
    else
      spec.layers[i].attention.rope.reset();
  return spec;
}

} // namespace model_server
