// Words and what each of them is, for fast looks.
#pragma once

#include "models/entry.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// Words that are one token as they stand. Constant once all is in; looks may
/// overlap.
class word_table {
public:
  /// Makes room for that many words with that many bytes together, which are
  /// less than 4 GiB.
  void reserve(std::size_t words, std::size_t bytes);

  /// Adds a word that isn't empty; one that is there keeps its token.
  void add(std::string_view word, token_id token);

  /// Its token, or -1.
  token_id find(std::string_view word) const;

private:
  struct entry {
    std::uint32_t hash = 0;
    std::uint32_t begin = 0;
    std::uint32_t size = 0;
    token_id token = -1;
  };

  /// The slot of `word`, or the free one where it would be.
  std::size_t slot_of(std::string_view word, std::uint32_t hash) const;

  std::string letters_;
  /// Open addressing, a power of two of slots.
  std::vector<entry> entries_;
  std::size_t longest_ = 0;
};

} // namespace model_server
