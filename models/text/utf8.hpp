// UTF-8: checking it, repairing it, and putting characters together from the
// bytes of tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace model_server {

/// What stands at the front of some bytes.
struct utf8_front {
  enum class kind {
    whole,      // a character
    broken,     // bytes that no character begins with or goes on with
    unfinished, // the beginning of a character; the bytes end inside it
  };

  kind what = kind::broken;
  /// The character, if it is whole.
  char32_t code = 0;
  /// How many bytes it is; of broken ones those that one U+FFFD stands for.
  std::uint8_t size = 1;
};

/// Looks at the front of `bytes`, which are not empty.
utf8_front read_utf8(std::string_view bytes);

/// True if `bytes` are valid UTF-8: no surrogates, nothing overlong, nothing
/// beyond U+10FFFF.
bool is_valid_utf8(std::string_view bytes);

/// `bytes` with U+FFFD for what isn't valid, one for each longest beginning of
/// a character, as Python's errors="replace" has it.
std::string repair_utf8(std::string_view bytes);

/// Appends one character, which is a valid code point.
void append_utf8(std::string& text, char32_t code);

/// True if `byte` goes on with a character that began before it.
constexpr bool is_utf8_continuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

/// How many characters valid UTF-8 has.
std::size_t count_utf8(std::string_view text);

/// Takes the bytes of one token after the other and gives back whole
/// characters. Its state is at most three bytes, so replaying the tokens
/// rebuilds it.
class utf8_assembler {
public:
  /// The characters that `bytes` complete, repaired like `repair_utf8`. An
  /// unfinished one is held back.
  std::string feed(std::string_view bytes);

  /// What was held back, repaired; nothing is held back afterwards.
  std::string flush();

  /// True between two characters.
  bool is_whole() const {
    return held_.empty();
  }

private:
  std::string held_;
};

} // namespace model_server
