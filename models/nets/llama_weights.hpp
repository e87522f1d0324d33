// The weights of a Llama as the kernels read them.
#pragma once

#include "models/kernels/kernel_set.hpp"
#include "models/load_watch.hpp"
#include "models/weights/llama_config.hpp"
#include "models/weights/weight_folder.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace model_server {

/// The tensor that holds the embedding: some tied models store only the head.
std::string llama_embedding_name(const llama_config& config,
                                 const weight_folder& folder);

/// A matrix with its bias, which may be empty. `storage` holds what does not
/// lie in a mapped file.
struct linear_weights {
  matrix_view weight;
  std::vector<float> bias;
  std::vector<std::byte> storage;

  const float* bias_or_null() const {
    return bias.empty() ? nullptr : bias.data();
  }
};

/// One layer.
struct llama_layer_weights {
  std::vector<float> attention_norm, mlp_norm;
  linear_weights query, key, value, output;
  linear_weights gate, up, down;
};

/// All of them. Matrices are used where they are mapped if they are aligned and
/// in the format asked for.
struct llama_weights {
  /// Throws `std::runtime_error` that names a tensor that is missing or has a
  /// wrong shape. Without a `format` matrices stay in the one they have.
  /// `watch` hears of each layer.
  llama_weights(const llama_config& config,
                std::shared_ptr<const weight_folder> files,
                std::optional<number_format> format,
                const load_watch& watch);

  std::shared_ptr<const weight_folder> folder;
  linear_weights embedding;
  std::vector<float> norm;
  linear_weights head_storage;
  std::vector<llama_layer_weights> layers;

  /// The embedding's matrix if the head is tied to it.
  const matrix_view& head() const {
    return head_storage.weight.data == nullptr ? embedding.weight
                                               : head_storage.weight;
  }
};

} // namespace model_server
