// Draws the next token of a reply from its scores.
#pragma once

#include "models/engine/candidates.hpp"
#include "models/engine/penalties.hpp"
#include "models/entry.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace model_server {

/// Draws tokens. A draw is a function of its arguments alone: nothing is kept
/// from one to the next but memory to work in.
///
/// First come the biases and penalties (see `penalties`), then the warpers (see
/// `candidates`), each as transformers defines it and in its order; presence
/// and frequency penalty, which it does not have, follow OpenAI. Temperature 0
/// takes the best score after the penalties, the lowest id among equals.
class sampler {
public:
  /// Draws the token that follows `tokens`, whose first `prompt_size` are the
  /// prompt. `scores` has one number for each token of the vocabulary and is
  /// overwritten; minus infinity forbids a token. Returns nothing if the scores
  /// are unusable: one is NaN or plus infinity, or all are minus infinity.
  std::optional<token_id> draw(std::span<float> scores,
                               const sampling_params& params,
                               std::span<const token_id> tokens,
                               std::size_t prompt_size);

  /// Appends a token to the sequence, and its logprobs if they are asked for;
  /// or sets its failure if the scores are unusable. Overwrites `scores`.
  void extend(sequence& item, std::span<float> scores);

private:
  penalties penalties_;
  candidates candidates_;
  // The scores as the model gave them, and memory to look through them.
  std::vector<float> own_scores_;
  best_scores best_;
};

} // namespace model_server
