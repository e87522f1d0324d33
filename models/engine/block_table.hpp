// The blocks of one sequence.
#pragma once

#include "models/engine/prefix_cache.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace model_server {

/// Which blocks a sequence holds, in order, and how many of its tokens are
/// stored in them. Full blocks are known to the prefix cache and shared with
/// other sequences that begin alike; the last one may be partly filled, and is
/// the sequence's own.
class block_table {
public:
  explicit block_table(prefix_cache& cache) : cache_(&cache) {
  }
  block_table(const block_table&) = delete;
  block_table& operator=(const block_table&) = delete;

  ~block_table() {
    clear();
  }

  /// Tokens that are stored.
  std::size_t size() const {
    return size_;
  }

  std::span<const block_id> blocks() const {
    return blocks_;
  }

  /// The last full block that is stored.
  block_id last_full() const;

  /// Takes over blocks in which the next of `tokens` are stored already, but
  /// never the very last token: somebody wants to know what follows it. Does
  /// nothing in the middle of a block.
  void share(std::span<const token_id> tokens);

  /// Takes blocks for up to `count` more tokens; returns for how many there is
  /// room now, `count` at most.
  std::size_t reserve(std::size_t count);

  /// Counts tokens that have been stored: `tokens` are all of the sequence,
  /// `count` of them behind the first `size()` are new.
  void grow(std::span<const token_id> tokens, std::size_t count);

  /// Gives back blocks that no stored token needs.
  void trim();

  /// Gives all blocks back.
  void clear();

private:
  void keep(std::size_t count);

  block_id before(std::size_t index) const {
    return index == 0 ? prefix_cache::nothing : blocks_[index - 1];
  }

  prefix_cache* cache_;
  std::vector<block_id> blocks_;
  std::size_t size_ = 0;
};

/// The block number `index` of a sequence's tokens.
inline block_tokens tokens_of_block(std::span<const token_id> tokens,
                                    std::size_t index) {
  return tokens.subspan(index * kv_block_tokens).first<kv_block_tokens>();
}

} // namespace model_server
