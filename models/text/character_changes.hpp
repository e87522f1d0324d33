// What some tokenizers do to every character of a text.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace model_server {

/// Where a character goes: appends what it becomes.
using character_change = void (*)(std::string& out, char32_t code);

/// A change, quick where the text is ASCII. Constant after construction.
class character_map {
public:
  explicit character_map(character_change change);

  /// `text`, which is valid UTF-8, with all its characters changed.
  std::string apply(std::string_view text) const;

private:
  character_change change_;
  /// What the ASCII characters become: a character, none, or more than one.
  std::array<std::int16_t, 128> ascii_;
};

/// Control characters go, white space becomes spaces: BERT's cleaning.
void append_cleaned(std::string& out, char32_t code);

/// Chinese characters stand between spaces.
void append_chinese_apart(std::string& out, char32_t code);

/// Marks that take no space go (category Mn).
void append_unless_accent(std::string& out, char32_t code);

/// All combining marks go (categories M*).
void append_unless_mark(std::string& out, char32_t code);

/// Control characters go and what else stands for a space becomes one: the
/// cleaning of SentencePiece's `nmt` rules.
void append_nmt(std::string& out, char32_t code);

/// A letter of the byte alphabet for each byte of the character.
void append_byte_letters(std::string& out, char32_t code);

} // namespace model_server
