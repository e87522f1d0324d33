// The weights of a decoder as the kernels read them.
#pragma once

#include "models/kernels/packed_memory.hpp"
#include "models/load_watch.hpp"
#include "models/nets/decoder_spec.hpp"
#include "models/nets/linear_weights.hpp"
#include "models/nets/matrix_reader.hpp"
#include "models/weights/weight_folder.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace model_server {

/// A norm, or none if `weight` is empty.
using norm_weights = matrix_reader::norm_weights;

struct latent_weights {
  linear_weights query_down;
  norm_weights query_norm;
  linear_weights down, up;
  norm_weights norm;
};

struct mlp_weights {
  linear_weights gate, down;
  /// Absent where there is no gate.
  std::optional<linear_weights> up;
};

struct experts_weights {
  linear_weights router;
  std::vector<float> correction;
  std::vector<mlp_weights> experts;
  std::optional<mlp_weights> shared;
  std::optional<linear_weights> shared_gate;
};

/// One layer.
struct layer_weights {
  norm_weights attention_norm, attention_out_norm, mlp_norm, mlp_out_norm;
  norm_weights query_norm, key_norm;
  linear_weights query, key, value, output;
  std::optional<latent_weights> latent;
  std::vector<float> sinks;
  mlp_weights mlp;
  std::optional<experts_weights> experts;
};

/// All of them. Matrices that are not packed are used where they are mapped if
/// they are aligned and in the format asked for. Routers are never packed.
struct decoder_weights {
  /// `spec` has the folder's names. Throws `std::runtime_error` that names a
  /// tensor that is missing or has a wrong shape. `watch` hears how much is
  /// packed.
  decoder_weights(const decoder_spec& spec,
                  std::shared_ptr<const weight_folder> files,
                  const weight_form& form, const load_watch& watch);

  std::shared_ptr<const weight_folder> folder;
  linear_weights embedding;
  std::vector<float> positions; // [context, hidden], or empty
  norm_weights embedding_norm;
  norm_weights norm;
  /// Empty if the head is the embedding.
  std::optional<linear_weights> own_head;
  std::vector<layer_weights> layers;

  const linear_weights& head() const {
    return own_head ? *own_head : embedding;
  }

private:
  packed_memory packed_;
};

} // namespace model_server
