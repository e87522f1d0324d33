// Printable bytes of Latin-1 stand for themselves, the others for the
// characters from U+0100 on, in order.
#include "models/text/byte_alphabet.hpp"

#include "models/text/utf8.hpp"

#include <array>
#include <cstdint>

namespace model_server {

namespace {

struct alphabet {
  std::array<std::string, 256> letters;
  /// The byte of each character, or -1.
  std::array<std::int16_t, 512> bytes;

  alphabet() {
    bytes.fill(-1);
    char32_t next = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte) {
      bool printable =
          (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
      auto code = printable ? static_cast<char32_t>(byte) : next++;
      append_utf8(letters[byte], code);
      bytes[code] = static_cast<std::int16_t>(byte);
    }
  }
};

const alphabet& the_alphabet() {
  static const alphabet instance;
  return instance;
}

} // namespace

std::string_view byte_letter(unsigned char byte) {
  return the_alphabet().letters[byte];
}

std::optional<std::string> bytes_of_letters(std::string_view spelling) {
  auto& bytes = the_alphabet().bytes;
  std::string result;
  while (!spelling.empty()) {
    auto front = read_utf8(spelling);
    if (front.what != utf8_front::kind::whole || front.code >= bytes.size()
        || bytes[front.code] < 0)
      return std::nullopt;
    result.push_back(static_cast<char>(bytes[front.code]));
    spelling.remove_prefix(front.size);
  }
  return result;
}

} // namespace model_server
