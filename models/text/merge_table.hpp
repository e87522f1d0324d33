// The merges of a byte-pair vocabulary, and doing them.
#pragma once

#include "models/entry.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace model_server {

/// Which pairs of tokens become which, and in what order. Constant once all is
/// in; calls may overlap.
class merge_table {
public:
  merge_table();

  void reserve(std::size_t count);

  /// The pair `left`, `right` becomes `made`; low ranks come first. A pair
  /// that is there gets the new rank.
  void add(token_id left, token_id right, token_id made, std::uint32_t rank);

  /// Merges the tokens of `all` from `begin` on until no pair is left that can
  /// be: always the pair of the lowest rank, of several the leftmost.
  /// O(n log n).
  void apply(std::vector<token_id>& all, std::size_t begin) const;

private:
  struct merge {
    std::uint64_t pair;
    std::uint32_t rank;
    token_id made;
  };

  static constexpr std::uint64_t no_pair = ~std::uint64_t{0};

  const merge* find(token_id left, token_id right) const;
  std::size_t slot_of(std::uint64_t pair) const;
  void grow(std::size_t slots);
  void apply_to_few(std::vector<token_id>& all, std::size_t begin) const;
  void apply_to_many(std::vector<token_id>& all, std::size_t begin) const;

  /// Open addressing, a power of two of slots.
  std::vector<merge> merges_;
  std::size_t count_ = 0;
};

} // namespace model_server
