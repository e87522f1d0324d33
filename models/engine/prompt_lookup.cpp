// Follows the last equal run of tokens.
#include "models/engine/prompt_lookup.hpp"

namespace model_server {

void prompt_lookup::advance(std::span<const token_id> tokens) {
  auto is_right = matched_ > 0 && tokens[place_] == tokens[size_];
  // What ended before this token is the past now.
  for (auto& index : indices_)
    if (size_ >= index.length())
      index.put(tokens, size_);
  ++size_;
  if (is_right) {
    ++place_;
    ++matched_;
  } else {
    look_up(tokens);
  }
}

void prompt_lookup::look_up(std::span<const token_id> tokens) {
  matched_ = 0;
  for (auto& index : indices_) {
    if (size_ < index.length())
      continue;
    place_ = index.find(tokens, size_);
    if (place_ == 0)
      continue;
    matched_ = index.length();
    while (matched_ < most_compared && matched_ < place_
           && tokens[place_ - 1 - matched_] == tokens[size_ - 1 - matched_])
      ++matched_;
    return;
  }
}

void prompt_lookup::guess(std::span<const token_id> tokens, std::size_t count,
                          std::vector<token_id>& to) const {
  if (matched_ == 0)
    return;
  auto first = to.size();
  for (auto place = place_; place < place_ + count; ++place)
    to.push_back(place < size_ ? tokens[place] : to[first + place - size_]);
}

std::size_t prompt_lookup::bytes() const {
  std::size_t result = 0;
  for (auto& index : indices_)
    result += index.bytes();
  return result;
}

} // namespace model_server
