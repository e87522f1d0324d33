// Byte-pair encoding: a word's characters, merged pair by pair.
#pragma once

#include "models/text/token_table.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// What a file says about its merges.
struct bpe_options {
  /// Stands for a character that no token spells; without one such a
  /// character is dropped.
  std::optional<token_id> unknown;
  /// Neighbouring unknown characters are one unknown token.
  bool fuse_unknown = false;
  /// A character that no token spells becomes its bytes, `<0x0A>` say.
  bool byte_fallback = false;
  /// A word that is a token as it stands isn't merged.
  bool ignore_merges = false;
};

/// Cuts words into tokens. Constant once the merges are in; calls may overlap.
class bpe_model {
public:
  bpe_model() = default;
  /// `vocabulary` is complete.
  bpe_model(token_table vocabulary, bpe_options options);

  void reserve_merges(std::size_t count);

  /// Adds the next merge. Throws `std::runtime_error` if one of the two, or
  /// what they make, is no token.
  void add_merge(std::string_view left, std::string_view right);

  /// Appends the tokens of `word`, which is valid UTF-8. O(n log n).
  void encode(std::string_view word, std::vector<token_id>& out) const;

  const token_table& vocabulary() const {
    return vocabulary_;
  }

private:
  struct merge {
    std::uint64_t pair;
    std::uint32_t rank;
    token_id made;
  };

  static constexpr std::uint64_t no_pair = ~std::uint64_t{0};

  const merge* find_merge(token_id left, token_id right) const;
  std::size_t slot_of(std::uint64_t pair) const;
  void grow(std::size_t slots);
  void first_symbols(std::string_view word, std::vector<token_id>& out) const;

  token_table vocabulary_;
  bpe_options options_;
  /// The tokens of `<0x00>` to `<0xFF>`, -1 where there is none.
  std::array<token_id, 256> byte_tokens_{};
  /// The tokens of the characters up to U+01FF.
  std::array<token_id, 512> letter_tokens_{};
  /// Open addressing, a power of two of slots.
  std::vector<merge> merges_;
  std::uint32_t merge_count_ = 0;
  /// Reused while merges are added.
  std::string joined_;
};

} // namespace model_server
