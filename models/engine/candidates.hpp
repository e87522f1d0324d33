// The tokens that may be drawn and their chances: what transformers calls
// warpers.
#pragma once

#include "models/engine/mass_cut.hpp"
#include "models/engine/score_passes.hpp"
#include "models/sampling.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace model_server {

/// A set of tokens with weights, made anew from each place's scores. An object
/// holds nothing from one place to the next but memory.
class candidates {
public:
  /// Takes all tokens, then narrows the set as transformers defines it, in its
  /// order: temperature (above 0), top_k (ties with the last one kept stay),
  /// top_p (the best ones until their sum reaches it; lower ids first among
  /// equals), min_p (as a part of the best one's chance), typical_p (those
  /// whose surprise is nearest to the entropy until their sum reaches it; ties
  /// with the last one kept stay). `best` is the best of `scores` and finite.
  void warp(std::span<const float> scores, float best,
            const sampling_params& params);

  /// The token at a place in [0, 1) of all chances side by side, by id.
  token_id draw(double place);

  /// How many there are, in the order of their ids; those that were left out
  /// on the way may still be among them, with a weight of 0.
  std::size_t size() const {
    return size_;
  }

  token_id id(std::size_t index) const {
    return has_ids_ ? ids_[index] : static_cast<token_id>(index);
  }

  /// In proportion to its chance; the best token of all has 1 while it is in.
  float weight(std::size_t index) const {
    return weights_[index];
  }

private:
  std::span<float> weights() {
    return {weights_.data(), size_};
  }

  void take_all(std::span<const float> scores, float best, float scale);
  void take_best(std::span<const scored_token> best_ones, float best,
                 float scale);
  void keep_top_p(double top_p);
  void keep_typical(std::span<const float> scores, float best, float scale,
                    double typical_p);

  std::size_t size_ = 0;
  // The first `size_` count. Without ids it is the whole vocabulary.
  std::vector<float> weights_;
  std::vector<token_id> ids_;
  bool has_ids_ = false;
  // Memory to work in.
  std::vector<order_key> keys_;
  std::vector<float> own_scores_;
  std::vector<double> masses_;
  best_scores best_;
  mass_cut cut_;
};

} // namespace model_server
