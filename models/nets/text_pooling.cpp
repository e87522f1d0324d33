// From the states of a text's tokens to one vector.
#include "models/nets/text_pooling.hpp"

#include <algorithm>
#include <cmath>

namespace model_server {

text_pooling::text_pooling(pooling how, std::size_t width)
    : how_(how), sums_(width) {
}

void text_pooling::add(const float* states, std::size_t count) {
  auto width = sums_.size();
  auto is_first = tokens_ == 0;
  tokens_ += count;
  switch (how_) {
  case pooling::mean:
    for (std::size_t t = 0; t < count; ++t)
      for (std::size_t i = 0; i < width; ++i)
        sums_[i] += states[t * width + i];
    break;
  case pooling::cls:
    if (is_first)
      std::copy_n(states, width, sums_.begin());
    break;
  case pooling::last:
    std::copy_n(states + (count - 1) * width, width, sums_.begin());
    break;
  }
}

std::vector<float> text_pooling::result(std::size_t dimensions,
                                        bool normalized) const {
  auto size = dimensions == 0 ? sums_.size() : dimensions;
  auto divisor = how_ == pooling::mean ? static_cast<double>(tokens_) : 1.0;
  double squares = 0;
  for (std::size_t i = 0; i < size; ++i)
    squares += sums_[i] * sums_[i];
  if (normalized && squares > 0)
    divisor = std::sqrt(squares);
  std::vector<float> result(size);
  for (std::size_t i = 0; i < size; ++i)
    result[i] = static_cast<float>(sums_[i] / divisor);
  return result;
}

} // namespace model_server
