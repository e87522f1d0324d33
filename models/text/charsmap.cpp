// Walks the double array of a charsmap; never past its end.
#include "models/text/charsmap.hpp"

#include "models/text/utf8.hpp"

#include <fmt/format.h>
#include <utf8proc.h>

#include <stdexcept>

namespace model_server {

namespace {

/// A unit of the double array.
struct unit {
  std::uint32_t bits;

  bool has_leaf() const {
    return (bits >> 8) & 1;
  }
  std::uint32_t value() const {
    return bits & 0x7FFF'FFFFu;
  }
  /// The byte it is for; no byte at all in a leaf.
  std::uint32_t label() const {
    return bits & 0x8000'00FFu;
  }
  std::uint32_t offset() const {
    return (bits >> 10) << ((bits & (1u << 9)) >> 6);
  }
};

std::uint32_t read_unit(std::string_view bytes) {
  std::uint32_t result = 0;
  for (std::size_t i = 0; i < 4; ++i)
    result |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i]))
              << (8 * i);
  return result;
}

/// Calls `use(begin, end)` for each user-perceived character.
template <class Use>
void for_each_grapheme(std::string_view text, const Use& use) {
  std::size_t begin = 0, at = 0;
  utf8proc_int32_t before = 0, state = 0;
  while (at < text.size()) {
    auto front = read_utf8(text.substr(at));
    auto code = static_cast<utf8proc_int32_t>(front.code);
    if (at > 0 && utf8proc_grapheme_break_stateful(before, code, &state)) {
      use(begin, at);
      begin = at;
    }
    before = code;
    at += front.size;
  }
  if (begin < at)
    use(begin, at);
}

} // namespace

charsmap::charsmap(std::string_view bytes) {
  auto size = bytes.size() < 4 ? 0 : read_unit(bytes);
  if (size == 0 || size % 4 != 0 || size > bytes.size() - 4)
    throw std::runtime_error{
        fmt::format("a charsmap of {} bytes says that its tree has {}",
                    bytes.size(), size)};
  bytes.remove_prefix(4);
  units_.reserve(size / 4);
  for (std::size_t at = 0; at < size; at += 4)
    units_.push_back(read_unit(bytes.substr(at)));
  texts_ = bytes.substr(size);
  if (!is_valid_utf8(texts_))
    throw std::runtime_error{"the texts of a charsmap are not UTF-8"};
}

void charsmap::rewrite_graphemes(std::string_view text,
                                 const on_part& part) const {
  constexpr std::size_t longest_whole = 5;
  auto found_in = [&](std::size_t begin, std::size_t end) {
    auto found = find(text.substr(begin, end - begin), false);
    return found ? std::optional{found->becomes} : std::nullopt;
  };
  for_each_grapheme(text, [&](std::size_t begin, std::size_t end) {
    if (end - begin <= longest_whole)
      if (auto becomes = found_in(begin, end)) {
        part(begin, end, becomes);
        return;
      }
    while (begin < end) {
      auto next = begin + read_utf8(text.substr(begin)).size;
      part(begin, next, found_in(begin, next));
      begin = next;
    }
  });
}

void charsmap::rewrite_longest(std::string_view text,
                               const on_part& part) const {
  for (std::size_t at = 0; at < text.size();) {
    auto rest = text.substr(at);
    if (auto kept = kept_size(rest)) {
      part(at, at + kept, std::nullopt);
      at += kept;
    } else if (auto found = find(rest, true)) {
      part(at, at + found->size, found->becomes);
      at += found->size;
    } else {
      auto size = read_utf8(rest).size;
      part(at, at + size, std::nullopt);
      at += size;
    }
  }
}

void charsmap::keep(std::string_view spelling) {
  kept_.add(spelling, 0);
}

std::size_t charsmap::kept_size(std::string_view text) const {
  std::size_t result = 0;
  auto at = byte_trie::root;
  for (std::size_t i = 0; i < text.size(); ++i) {
    at = kept_.step(at, text[i]);
    if (at == byte_trie::none)
      break;
    if (kept_.token_at(at) >= 0)
      result = i + 1;
  }
  return result;
}

std::optional<charsmap::match> charsmap::find(std::string_view text,
                                              bool longest) const {
  std::optional<match> result;
  std::size_t at = unit{units_[0]}.offset();
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    at ^= byte;
    if (byte == 0 || at >= units_.size() || unit{units_[at]}.label() != byte)
      break;
    unit here{units_[at]};
    at ^= here.offset();
    if (!here.has_leaf() || at >= units_.size())
      continue;
    // A match that ends within a character would break it.
    if (i + 1 < text.size() && is_utf8_continuation(text[i + 1]))
      continue;
    if (auto becomes = text_at(unit{units_[at]}.value()))
      result = match{*becomes, i + 1};
    if (result && !longest)
      break;
  }
  return result;
}

/// The text at an offset; nothing outside and within a character.
std::optional<std::string_view> charsmap::text_at(std::size_t offset) const {
  if (offset >= texts_.size() || is_utf8_continuation(texts_[offset]))
    return std::nullopt;
  auto rest = std::string_view{texts_}.substr(offset);
  return rest.substr(0, rest.find('\0'));
}

} // namespace model_server
