// Draws the next token of a reply from its scores.
#pragma once

#include "models/entry.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace model_server {

/// Draws tokens. A draw is a function of its arguments alone: nothing is kept
/// from one to the next but memory to work in.
///
/// In this order, each as transformers defines it: repetition penalty (over
/// prompt and reply), presence and frequency penalty (over the reply),
/// temperature, top_k (ties with the last one kept stay), top_p (the best ones
/// until their sum reaches it; lower ids first among equals), min_p.
/// Temperature 0 takes the best score, the lowest id among equals.
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

private:
  void apply_penalties(std::span<float> scores, const sampling_params& params,
                       std::span<const token_id> tokens,
                       std::size_t prompt_size);
  // Fills `ids_`; what it returns lives until the next call.
  std::span<const float> keep_top_k(std::span<const float> scores,
                                    std::size_t k);
  void keep_top_p(double top_p);
  // Returns an index of `weights_`, one of which is 1.
  std::size_t pick(double uniform);

  // One for each token, or for each of `ids_` if that is not empty; 0 for those
  // that are out.
  std::vector<float> weights_;
  std::vector<token_id> ids_;
  // How often a token occurs in the reply; all 0 between calls.
  std::vector<std::uint32_t> counts_;
  // Memory to work in.
  std::vector<float> best_;
  std::vector<double> masses_;
};

} // namespace model_server
