// The wire form of protocol buffers, as far as SentencePiece uses it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace model_server {

/// One field of a message.
struct wire_field {
  std::uint32_t number = 0;
  /// A number, a boolean, or the bits of a 32- or 64-bit value.
  std::uint64_t value = 0;
  /// A text, bytes or a message.
  std::string_view bytes;

  /// The value as a 32-bit floating-point number.
  float real() const;
};

/// Goes through the fields of a message.
class wire_reader {
public:
  explicit wire_reader(std::string_view message);

  /// Moves on to the next field; false at the end. Throws `std::runtime_error`
  /// if the message is broken there.
  bool next(wire_field& field);

private:
  std::uint64_t varint();
  std::string_view take(std::size_t count);
  std::uint64_t fixed(std::size_t count);

  std::string_view rest_;
  std::size_t size_;
};

} // namespace model_server
