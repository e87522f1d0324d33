// Which experts a token gets, and with what weight.
#pragma once

#include "models/nets/decoder_spec.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace model_server {

struct chosen_expert {
  std::size_t index = 0;
  float weight = 0.0f;

  friend bool operator==(const chosen_expert&, const chosen_expert&) = default;
};

/// Chooses from the router's scores, one for each expert, which it overwrites.
/// The best are chosen, of equal ones the first; their order is that of their
/// indexes. `correction` is empty or has a number for each expert. The result
/// depends on nothing else.
void choose_experts(const experts_spec& spec, std::span<float> scores,
                    std::span<const float> correction,
                    std::vector<chosen_expert>& result);

} // namespace model_server
