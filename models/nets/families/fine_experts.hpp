// Many small experts, as DeepSeek's files tell them and others took over.
#pragma once

#include "models/nets/decoder_spec.hpp"
#include "models/weights/json_file.hpp"

#include <cstddef>

namespace model_server {

/// What a family's code leaves out of its config.json.
struct fine_experts_defaults {
  std::size_t count = 64;
  std::size_t chosen = 6;
  /// For every token.
  std::size_t shared = 0;
  /// Layers at the front that have none.
  std::size_t dense = 0;
};

// Every function here throws as those of family.hpp do.

/// Gives each layer its experts or its plain MLP. Weights are a softmax over all
/// scores, and the best are chosen.
void add_fine_experts(const config_fields& config, decoder_spec& spec,
                      const fine_experts_defaults& defaults);

/// Only experts of the best groups are chosen (DeepSeek-AI 2024,
/// arXiv:2405.04434).
void choose_in_groups(const config_fields& config, decoder_spec& spec);

/// Weights are sigmoids, and a correction counts for the choice alone, which is
/// among the best groups (DeepSeek-AI 2024, arXiv:2412.19437).
void choose_by_sigmoid(const config_fields& config, decoder_spec& spec,
                       bool is_normalized);

} // namespace model_server
