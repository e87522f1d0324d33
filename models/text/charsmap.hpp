// The table by which SentencePiece rewrites text before it is cut.
#pragma once

#include "models/text/byte_trie.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// A compiled table of character sequences and what they become: a double
/// array (Aoe 1989, as darts-clone packs it) over UTF-8 bytes, then texts that
/// end in zero bytes. Constant after construction; calls may overlap.
class charsmap {
public:
  /// Takes a file's bytes apart. Throws `std::runtime_error` if the sizes in
  /// it don't fit or a text of it isn't UTF-8.
  explicit charsmap(std::string_view bytes);

  /// From now on `rewrite_longest` leaves this as it is; not empty.
  void keep(std::string_view spelling);

  /// A part of a text, from `begin` up to `end`, and what it becomes; nothing
  /// if it stays.
  using on_part = std::function<void(std::size_t begin, std::size_t end,
                                     std::optional<std::string_view>)>;

  /// Rewrites as the Hugging Face library does: a user-perceived character of
  /// less than six bytes becomes what its shortest known beginning becomes;
  /// otherwise each code point of it does.
  void rewrite_graphemes(std::string_view text, const on_part& part) const;

  /// Rewrites as SentencePiece does: the longest known sequence at each place.
  void rewrite_longest(std::string_view text, const on_part& part) const;

private:
  struct match {
    std::string_view becomes;
    std::size_t size;
  };

  /// The shortest or the longest entry that `text` begins with.
  std::optional<match> find(std::string_view text, bool longest) const;
  std::optional<std::string_view> text_at(std::size_t offset) const;
  /// The length of the longest kept spelling that `text` begins with, or 0.
  std::size_t kept_size(std::string_view text) const;

  std::vector<std::uint32_t> units_;
  std::string texts_;
  byte_trie kept_;
};

} // namespace model_server
