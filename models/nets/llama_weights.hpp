// The weights of a Llama as the kernels read them.
#pragma once

#include "models/kernels/packed_memory.hpp"
#include "models/load_watch.hpp"
#include "models/nets/linear_weights.hpp"
#include "models/weights/llama_config.hpp"
#include "models/weights/weight_folder.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace model_server {

/// The tensor that holds the embedding: some tied models store only the head.
std::string llama_embedding_name(const llama_config& config,
                                 const weight_folder& folder);

/// One layer.
struct llama_layer_weights {
  std::vector<float> attention_norm, mlp_norm;
  linear_weights query, key, value, output;
  linear_weights gate, up, down;
};

/// All of them. Matrices that are not packed are used where they are mapped if
/// they are aligned and in the format asked for.
struct llama_weights {
  /// Throws `std::runtime_error` that names a tensor that is missing or has a
  /// wrong shape. `watch` hears how much is read and packed.
  llama_weights(const llama_config& config,
                std::shared_ptr<const weight_folder> files,
                const weight_form& form, const load_watch& watch);

  std::shared_ptr<const weight_folder> folder;
  linear_weights embedding;
  std::vector<float> norm;
  /// Empty if the head is the embedding.
  std::optional<linear_weights> own_head;
  std::vector<llama_layer_weights> layers;

  const linear_weights& head() const {
    return own_head ? *own_head : embedding;
  }

private:
  packed_memory packed_;
};

} // namespace model_server
