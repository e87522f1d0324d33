// The spellings of a vocabulary and their ids.
#pragma once

#include "models/entry.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// Ids from 0 up to this one are accepted, so that a hostile file can't make
/// the tables huge.
inline constexpr token_id max_token_id = (1 << 22) - 1;

/// Nor can a small one with few tokens: they leave at most so many ids unused.
inline constexpr std::size_t max_unused_ids = 1 << 16;

/// A token that is cut at each of its places has at most so many bytes: the
/// time is their square.
inline constexpr std::size_t max_cut_bytes = 1024;

/// Spellings to ids and back; ids may leave gaps.
class token_table {
public:
  /// Makes room for that many tokens with that many bytes together, in any
  /// order of their ids.
  void reserve(std::size_t tokens, std::size_t bytes);

  /// The ids below this one may be those of another table.
  void start_ids_at(std::size_t first) {
    expected_ids_ = std::max(expected_ids_, first);
  }

  /// Adds a token. Throws `std::runtime_error` if the spelling or the id is
  /// taken, the id is out of range or leaves too many unused, or the spelling
  /// isn't UTF-8.
  void add(std::string_view spelling, std::int64_t id);

  std::optional<token_id> find(std::string_view spelling) const;

  /// Empty for an id that is not there.
  std::string_view spelling(token_id id) const;
  bool has(token_id id) const;

  /// How many tokens there are.
  std::size_t count() const {
    return count_;
  }
  /// One more than the largest id.
  std::size_t end_id() const {
    return places_.size();
  }

private:
  struct place {
    std::uint32_t begin = 0;
    std::uint32_t size = 0;
    bool used = false;
  };

  std::size_t slot_of(std::string_view spelling) const;
  void grow(std::size_t slots);

  /// All spellings, one behind the other.
  std::string letters_;
  std::vector<place> places_;
  /// Open addressing, a power of two of slots; -1 is free.
  std::vector<token_id> slots_;
  std::size_t count_ = 0;
  /// At least so many are in use when all tokens are in.
  std::size_t expected_ids_ = 0;
};

} // namespace model_server
