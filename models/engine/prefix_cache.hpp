// Finds blocks again by what they hold: a beginning that was read once is
// shared.
#pragma once

#include "models/engine/kv_block_pool.hpp"
#include "models/entry.hpp"
#include "models/kernels/attention.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <list>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace model_server {

/// The tokens of a full block.
using block_tokens = std::span<const token_id, kv_block_tokens>;

/// Full blocks by content. The content of a block is its own tokens and all
/// that stand before them, so its key is the block before it and its tokens;
/// a hash only leads to the candidates, which are compared themselves.
///
/// The cache is a holder of every block it knows. One that nobody else holds is
/// idle, and forgotten when its memory is needed, the longest idle first.
///
/// Sequences keep two rules, so that no known block ever follows an unknown
/// one: who holds a known block holds all those before it, and drops them from
/// the last to the first.
class prefix_cache {
public:
  /// What stands before the first block of a sequence.
  static constexpr block_id nothing = std::numeric_limits<block_id>::max();

  using hash_function = std::uint64_t (*)(block_id before, block_tokens tokens);

  /// The hash of a key if no other is given.
  static std::uint64_t hash_of(block_id before, block_tokens tokens);

  /// One that does not share finds nothing and learns nothing.
  explicit prefix_cache(kv_block_pool& pool, bool shares = true,
                        hash_function hash = hash_of)
      : pool_(pool), shares_(shares), hash_(hash) {
  }

  bool shares() const {
    return shares_;
  }

  /// A block to write into, for its first holder: a free one, else the longest
  /// idle one, which is forgotten. Nothing if every block is in use.
  std::optional<block_id> take();

  /// The block with these tokens behind `before`, with one holder more.
  std::optional<block_id> find(block_id before, block_tokens tokens);

  /// Makes a block known that has just been filled. Returns the block to hold
  /// from now on: the same, or another that was known with this content; then
  /// the hold has moved there.
  block_id add(block_id before, block_tokens tokens, block_id block);

  /// Takes a holder from a block, known or not.
  void drop(block_id block);

  /// Known blocks that nobody uses.
  std::size_t idle() const {
    return idle_.size();
  }

  /// Blocks that sequences hold.
  std::size_t used() const {
    return pool_.size() - pool_.free() - idle();
  }

  /// Throws `std::logic_error` if the index, the idle blocks and the pool
  /// disagree, or a rule is broken.
  void check_invariants() const;

private:
  struct known_block {
    bool is_known = false;
    block_id before = nothing;
    std::array<token_id, kv_block_tokens> tokens{};
    std::uint64_t hash = 0;
    // Its place in `idle_`, or the end.
    std::list<block_id>::iterator place;
  };

  std::optional<block_id> look_up(std::uint64_t hash, block_id before,
                                  block_tokens tokens) const;
  void hold(block_id block);
  void forget_longest_idle();
  void check_idle() const;

  kv_block_pool& pool_;
  bool shares_;
  hash_function hash_;
  // By number of the block; shorter than the pool where nothing was known yet.
  std::vector<known_block> blocks_;
  std::unordered_multimap<std::uint64_t, block_id> index_;
  // The longest idle one first.
  std::list<block_id> idle_;
};

} // namespace model_server
