// The spellings of a vocabulary as a tree of bytes.
#pragma once

#include "models/entry.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace model_server {

/// Finds all tokens that a text begins with, shortest first, with one look a
/// byte. Constant once all is in; searches may overlap.
class byte_trie {
public:
  /// A place in the tree: what has been read so far.
  using node = std::uint32_t;
  static constexpr node root = 0;
  static constexpr node none = ~node{0};

  /// `spelling` isn't empty; one that is there gets the new id. Throws
  /// `std::runtime_error` if all together have over 16 million letters that
  /// they don't share with the front of another.
  void add(std::string_view spelling, token_id id);

  /// Where `byte` leads from `from`, or `none`.
  node step(node from, char byte) const;

  /// The token that ends at `at`, or -1.
  token_id token_at(node at) const {
    return tokens_[at];
  }

  /// The place that `prefix` leads to, or `none`.
  node walk(std::string_view prefix) const;

private:
  /// A way from one node to another: the node in the upper 24 bits of `from`,
  /// the byte below. Nothing leads to the root, so that is a free edge.
  struct edge {
    std::uint32_t from = 0;
    node to = root;
  };
  static constexpr std::size_t max_nodes = std::size_t{1} << 24;

  std::size_t slot_of(std::uint32_t from) const;
  void grow(std::size_t slots);

  /// Open addressing, a power of two of slots.
  std::vector<edge> edges_;
  std::vector<token_id> tokens_{-1};
};

} // namespace model_server
