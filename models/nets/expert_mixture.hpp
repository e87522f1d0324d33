// A feed-forward network of experts, of which each row asks a few.
#pragma once

#include "models/kernels/aligned_floats.hpp"
#include "models/nets/expert_choice.hpp"
#include "models/nets/feed_forward.hpp"

#include <cstddef>
#include <vector>

namespace model_server {

/// A row's result does not depend on the rows beside it: experts are added in
/// the order of their indexes.
class expert_mixture {
public:
  expert_mixture(std::size_t hidden, pass_products& products,
                 feed_forward& networks)
      : hidden_(hidden), products_(products), networks_(networks) {
  }

  /// y = what the experts of each row say, weighted; x and y are
  /// [rows, hidden].
  void run(const experts_spec& spec, const experts_weights& experts,
           const float* x, std::size_t rows, float* y);

private:
  struct weighted_row {
    std::size_t row;
    float weight;
  };

  void choose(const experts_spec& spec, const experts_weights& experts,
              const float* x, std::size_t rows);
  void add_shared(const experts_weights& experts, const float* x,
                  std::size_t rows, float* y);
  void add_weighted(const float* x, float weight, float* y) const;

  std::size_t hidden_;
  pass_products& products_;
  feed_forward& networks_;
  // Kept for their memory.
  aligned_floats router_;         // [rows, experts]
  aligned_floats gathered_, out_; // [rows, hidden]
  std::vector<chosen_expert> choice_;
  std::vector<std::vector<weighted_row>> rows_of_; // of each expert
};

} // namespace model_server
