// Reads base64, four letters for three bytes.
#include "models/text/base64.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <stdexcept>

namespace model_server {

namespace {

/// The six bits of a letter, or -1.
int value_of(char letter) {
  if (letter >= 'A' && letter <= 'Z')
    return letter - 'A';
  if (letter >= 'a' && letter <= 'z')
    return letter - 'a' + 26;
  if (letter >= '0' && letter <= '9')
    return letter - '0' + 52;
  return letter == '+' ? 62 : letter == '/' ? 63 : -1;
}

} // namespace

std::string read_base64(std::string_view text) {
  auto fail = [&] {
    throw std::runtime_error{
        fmt::format("\"{:.80}\" is not base64", text)};
  };
  if (text.size() % 4 != 0)
    fail();
  auto padding = text.ends_with("==") ? 2u : text.ends_with("=") ? 1u : 0u;
  std::string result;
  result.reserve(text.size() / 4 * 3);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (auto letter : text.substr(0, text.size() - padding)) {
    auto value = value_of(letter);
    if (value < 0)
      fail();
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      result.push_back(static_cast<char>((bits >> count) & 0xFF));
    }
  }
  return result;
}

} // namespace model_server
