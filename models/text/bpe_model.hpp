// Byte-pair encoding: a word's characters, merged pair by pair.
#pragma once

#include "models/text/merge_table.hpp"
#include "models/text/token_table.hpp"
#include "models/text/word_table.hpp"

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
  /// Spelled before every character but a word's first.
  std::string inner_prefix;
  /// Spelled behind a word's last character.
  std::string end_suffix;
};

/// Cuts words into tokens. Constant once `finish` was called; calls may
/// overlap.
class bpe_model {
public:
  bpe_model() = default;
  /// `vocabulary` is complete. Tokens that `is_control` says yes to are never
  /// made of a word.
  bpe_model(token_table vocabulary, std::vector<bool> is_control,
            bpe_options options);

  void reserve_merges(std::size_t count);

  /// Adds the next merge. Throws `std::runtime_error` if one of the two, or
  /// what they make, is no token.
  void add_merge(std::string_view left, std::string_view right);

  /// Adds a merge whose place in the order is said: those of the same rank
  /// are made from the left to the right.
  void add_merge(token_id left, token_id right, token_id made,
                 std::uint32_t rank);

  /// From now on words are bytes, not letters of the byte alphabet in which
  /// the vocabulary is written. False, and no change, where that is not the
  /// same.
  bool take_bytes();

  /// Called when all merges are in: finds the words that are one token.
  void finish();

  /// Appends the tokens of `word`. O(n log n).
  void encode(std::string_view word, std::vector<token_id>& out) const;

  const token_table& vocabulary() const {
    return vocabulary_;
  }

private:
  std::optional<token_id> find_letter(std::string_view letter) const;
  std::optional<std::string> word_of(token_id id) const;
  void encode_part(std::string_view part, std::vector<token_id>& out) const;
  void make(std::string_view word, std::vector<token_id>& out) const;
  void first_symbols(std::string_view word, std::vector<token_id>& out) const;
  void unknown_symbols(std::string_view letter, bool& unknown_waits,
                       std::vector<token_id>& out) const;

  token_table vocabulary_;
  std::vector<bool> is_control_;
  bpe_options options_;
  merge_table merges_;
  std::uint32_t merge_count_ = 0;
  /// The tokens of `<0x00>` to `<0xFF>`, -1 where there is none.
  std::array<token_id, 256> byte_tokens_{};
  /// The tokens of the characters up to U+01FF, or of bytes.
  std::array<token_id, 512> letter_tokens_{};
  word_table words_;
  bool takes_bytes_ = false;
  /// No token goes on behind another letter with SentencePiece's space, so
  /// nothing is merged across its front.
  bool cuts_at_space_ = false;
};

} // namespace model_server
