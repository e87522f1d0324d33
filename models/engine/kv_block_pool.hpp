// Who holds which block of the memory for keys and values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace model_server {

/// Number of a block within its pool.
using block_id = std::uint32_t;

/// A fixed number of blocks, each with a count of holders; one without a holder
/// is free. Blocks that were never used cost nothing here and are taken last,
/// so that the memory behind them stays untouched.
class kv_block_pool {
public:
  explicit kv_block_pool(std::size_t size) : size_(size) {
  }

  std::size_t size() const {
    return size_;
  }

  /// Blocks that nobody holds.
  std::size_t free() const {
    return returned_.size() + (size_ - holders_.size());
  }

  std::uint32_t holders(block_id block) const {
    return holders_[block];
  }

  /// A free block, for its first holder; nothing if there is none.
  std::optional<block_id> take();

  /// One holder more for a block that has some.
  void hold(block_id block) {
    ++holders_[block];
  }

  /// One holder less; after the last one the block is free.
  void drop(block_id block);

  /// Throws `std::logic_error` if a count and the free blocks disagree.
  void check_invariants() const;

private:
  std::size_t size_;
  // Of each block that was ever taken.
  std::vector<std::uint32_t> holders_;
  // Of these the free ones, the next to be taken at the end.
  std::vector<block_id> returned_;
};

} // namespace model_server
