// From the states of a text's tokens to one vector.
#pragma once

#include "models/weights/embedding_config.hpp"

#include <cstddef>
#include <vector>

namespace model_server {

/// Takes the states of a text as they come. The result is the same bits in
/// whatever pieces they came.
class text_pooling {
public:
  text_pooling(pooling how, std::size_t width);

  /// The states of the next `count` tokens, [count, width].
  void add(const float* states, std::size_t count);

  /// The first `dimensions` numbers of the embedding, 0 for all of them; with
  /// length 1 if it is `normalized` and not 0. There was at least one token.
  std::vector<float> result(std::size_t dimensions, bool normalized) const;

private:
  pooling how_;
  std::size_t tokens_ = 0;
  std::vector<double> sums_; // [width]; the state itself where it is only one
};

} // namespace model_server
