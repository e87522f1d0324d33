// The weights of an encoder as the kernels read them.
#pragma once

#include "models/kernels/packed_memory.hpp"
#include "models/load_watch.hpp"
#include "models/nets/encoder_spec.hpp"
#include "models/nets/linear_weights.hpp"
#include "models/nets/matrix_reader.hpp"
#include "models/weights/weight_folder.hpp"

#include <memory>
#include <vector>

namespace model_server {

struct encoder_layer_weights {
  linear_weights query, key, value, output;
  matrix_reader::norm_weights attention_norm;
  linear_weights up, down;
  matrix_reader::norm_weights mlp_norm;
};

/// All of them, kept as `form` says. Tensors are also found under the names
/// that they have in a larger model, and norms under those of old checkpoints.
struct encoder_weights {
  /// Throws `std::runtime_error` that names a tensor that is missing or has a
  /// wrong shape. `watch` hears how much is packed.
  encoder_weights(const encoder_spec& spec,
                  std::shared_ptr<const weight_folder> files,
                  const weight_form& form, const load_watch& watch);

  std::shared_ptr<const weight_folder> folder;
  linear_weights embedding;
  /// What is added for each position, that of the kind of text included,
  /// [stored_positions, hidden].
  std::vector<float> positions;
  matrix_reader::norm_weights embedding_norm;
  std::vector<encoder_layer_weights> layers;

private:
  packed_memory packed_;
};

} // namespace model_server
