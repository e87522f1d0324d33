// Counts the holders of blocks.
#include "models/engine/kv_block_pool.hpp"

#include <cassert>
#include <stdexcept>

namespace model_server {

std::optional<block_id> kv_block_pool::take() {
  if (!returned_.empty()) {
    auto block = returned_.back();
    returned_.pop_back();
    holders_[block] = 1;
    return block;
  }
  if (holders_.size() == size_)
    return std::nullopt;
  holders_.push_back(1);
  return static_cast<block_id>(holders_.size() - 1);
}

void kv_block_pool::drop(block_id block) {
  assert(holders_[block] > 0 && "a free block has no holder to drop it");
  if (--holders_[block] == 0)
    returned_.push_back(block);
}

void kv_block_pool::check_invariants() const {
  auto require = [](bool holds, const char* what) {
    if (!holds)
      throw std::logic_error(what);
  };
  require(holders_.size() <= size_, "more blocks are used than there are");
  std::vector<bool> is_free(holders_.size());
  for (auto block : returned_) {
    require(block < holders_.size(), "a block that was never taken came back");
    require(!is_free[block], "a block is free twice");
    is_free[block] = true;
  }
  for (std::size_t i = 0; i < holders_.size(); ++i)
    require(is_free[i] == (holders_[i] == 0), "a free block has a holder, or a "
                                              "block without one is not free");
}

} // namespace model_server
