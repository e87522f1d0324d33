// Rows of tokens, as the network reads them.
#pragma once

#include <cstdint>
#include <vector>

namespace model_server::tiny_chat {

/// Rows of equal length, one after the other. Rows that are shorter end in
/// padding, which no earlier token sees.
struct batch {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  /// Row by row.
  std::vector<std::int64_t> tokens;
  /// The token that should follow each token.
  std::vector<std::int64_t> targets;
  /// What a wrong target costs; 0 where there is nothing to learn.
  std::vector<float> weights;
};

} // namespace model_server::tiny_chat
