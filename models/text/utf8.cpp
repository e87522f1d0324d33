// Checks, repairs and assembles UTF-8.
#include "models/text/utf8.hpp"

#include <algorithm>
#include <cstring>

namespace model_server {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

/// How long the ASCII at the front of `bytes` is.
std::size_t ascii_run(std::string_view bytes) {
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    std::uint64_t eight;
    std::memcpy(&eight, bytes.data() + at, 8);
    if (eight & 0x8080808080808080u)
      break;
  }
  while (at < bytes.size() && static_cast<unsigned char>(bytes[at]) < 0x80)
    ++at;
  return at;
}

/// Appends `bytes` to `out`, repaired; returns how many bytes at their end are
/// an unfinished character, which is not appended.
std::size_t append_repaired(std::string& out, std::string_view bytes) {
  while (!bytes.empty()) {
    if (auto plain = ascii_run(bytes)) {
      out.append(bytes.substr(0, plain));
      bytes.remove_prefix(plain);
      continue;
    }
    auto front = read_utf8(bytes);
    if (front.what == utf8_front::kind::unfinished)
      return bytes.size();
    out.append(front.what == utf8_front::kind::whole
                   ? bytes.substr(0, front.size)
                   : replacement);
    bytes.remove_prefix(front.size);
  }
  return 0;
}

} // namespace

utf8_front read_utf8(std::string_view bytes) {
  using kind = utf8_front::kind;
  auto byte = [&](std::size_t i) {
    return static_cast<unsigned char>(bytes[i]);
  };
  auto first = byte(0);
  if (first < 0x80)
    return {kind::whole, first, 1};
  if (first < 0xC2 || first > 0xF4)
    return {kind::broken, 0, 1};
  std::size_t size = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  char32_t code = first & (0x7F >> size);
  for (std::size_t i = 1; i < size; ++i) {
    auto seen = static_cast<std::uint8_t>(i);
    if (i == bytes.size())
      return {kind::unfinished, 0, seen};
    // The second byte rules out what is overlong, a surrogate or too large.
    unsigned low = 0x80, high = 0xBF;
    if (i == 1) {
      low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
      high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    }
    if (byte(i) < low || byte(i) > high)
      return {kind::broken, 0, seen};
    code = (code << 6) | (byte(i) & 0x3F);
  }
  return {kind::whole, code, static_cast<std::uint8_t>(size)};
}

bool is_valid_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    bytes.remove_prefix(ascii_run(bytes));
    if (bytes.empty())
      return true;
    auto front = read_utf8(bytes);
    if (front.what != utf8_front::kind::whole)
      return false;
    bytes.remove_prefix(front.size);
  }
  return true;
}

std::string repair_utf8(std::string_view bytes) {
  std::string result;
  result.reserve(bytes.size());
  if (append_repaired(result, bytes) != 0)
    result.append(replacement);
  return result;
}

void append_utf8(std::string& text, char32_t code) {
  auto put = [&](char32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

std::size_t count_utf8(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(),
                    [](char byte) { return !is_utf8_continuation(byte); }));
}

std::string utf8_assembler::feed(std::string_view bytes) {
  held_.append(bytes);
  std::string result;
  auto unfinished = append_repaired(result, held_);
  held_.erase(0, held_.size() - unfinished);
  return result;
}

std::string utf8_assembler::flush() {
  auto result = repair_utf8(held_);
  held_.clear();
  return result;
}

} // namespace model_server
