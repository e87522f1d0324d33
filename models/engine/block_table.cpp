// Takes, fills, shares and gives back the blocks of a sequence.
#include "models/engine/block_table.hpp"

#include <algorithm>

namespace model_server {

block_id block_table::last_full() const {
  return before(size_ / kv_block_tokens);
}

void block_table::share(std::span<const token_id> tokens) {
  if (size_ % kv_block_tokens != 0)
    return;
  auto first = size_ / kv_block_tokens;
  // Room that was not used gives way to blocks that are filled.
  keep(first);
  for (auto i = first; (i + 1) * kv_block_tokens < tokens.size(); ++i) {
    auto known = cache_->find(before(i), tokens_of_block(tokens, i));
    if (!known)
      return;
    blocks_.push_back(*known);
    size_ += kv_block_tokens;
  }
}

std::size_t block_table::reserve(std::size_t count) {
  auto needed = (size_ + count + kv_block_tokens - 1) / kv_block_tokens;
  while (blocks_.size() < needed) {
    auto block = cache_->take();
    if (!block)
      break;
    blocks_.push_back(*block);
  }
  return std::min(count, blocks_.size() * kv_block_tokens - size_);
}

void block_table::grow(std::span<const token_id> tokens, std::size_t count) {
  auto full = size_ / kv_block_tokens;
  size_ += count;
  for (auto i = full; i < size_ / kv_block_tokens; ++i)
    blocks_[i] = cache_->add(before(i), tokens_of_block(tokens, i), blocks_[i]);
}

void block_table::trim() {
  keep((size_ + kv_block_tokens - 1) / kv_block_tokens);
}

void block_table::clear() {
  size_ = 0;
  trim();
}

// From the last to the first, as the prefix cache asks.
void block_table::keep(std::size_t count) {
  while (blocks_.size() > count) {
    cache_->drop(blocks_.back());
    blocks_.pop_back();
  }
}

} // namespace model_server
