// Where in a sequence a few tokens stood last.
#pragma once

#include "models/token.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace model_server {

/// The places behind the runs of `length` tokens in one sequence: of equal runs
/// the last that was put. It keeps no tokens, only places, in an open hash
/// table that is between a quarter and half full: at most 16 bytes for each
/// different run, beside 64 slots to begin with. Adding and finding take O(1),
/// amortised.
class ngram_index {
public:
  explicit ngram_index(std::size_t length) : length_(length) {
  }

  std::size_t length() const {
    return length_;
  }

  /// Notes the run that ends before place `end`; `tokens` are all of the
  /// sequence, and `end` is at least `length()`.
  void put(std::span<const token_id> tokens, std::size_t end);

  /// The place behind the last noted run that equals the one before `end`; 0
  /// if there is none.
  std::size_t find(std::span<const token_id> tokens, std::size_t end) const;

  /// Memory in use.
  std::size_t bytes() const {
    return slots_.size() * sizeof(std::uint32_t);
  }

private:
  std::size_t slot_of(std::span<const token_id> tokens, std::size_t end) const;
  void grow(std::span<const token_id> tokens);

  std::size_t length_;
  // Places, 0 where there is none; a power of two.
  std::vector<std::uint32_t> slots_;
  std::size_t used_ = 0;
};

} // namespace model_server
