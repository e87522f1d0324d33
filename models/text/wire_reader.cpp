// Reads fields without believing a length.
#include "models/text/wire_reader.hpp"

#include <fmt/format.h>

#include <bit>
#include <stdexcept>

namespace model_server {

namespace {

[[noreturn]] void fail(std::size_t offset, const char* what) {
  throw std::runtime_error{
      fmt::format("is broken at byte {} of a message: {}", offset, what)};
}

} // namespace

float wire_field::real() const {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value));
}

wire_reader::wire_reader(std::string_view message)
    : rest_(message), size_(message.size()) {
  // nop
}

bool wire_reader::next(wire_field& field) {
  if (rest_.empty())
    return false;
  auto key = varint();
  field = {};
  field.number = static_cast<std::uint32_t>(key >> 3);
  switch (key & 7) {
  case 0:
    field.value = varint();
    break;
  case 1:
    field.value = fixed(8);
    break;
  case 2:
    field.bytes = take(varint());
    break;
  case 5:
    field.value = fixed(4);
    break;
  default:
    fail(size_ - rest_.size(), "a field of an unknown kind");
  }
  return true;
}

std::uint64_t wire_reader::varint() {
  std::uint64_t result = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    auto byte = static_cast<unsigned char>(take(1)[0]);
    result |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80)
      return result;
  }
  fail(size_ - rest_.size(), "a number that doesn't end");
}

std::string_view wire_reader::take(std::size_t count) {
  if (count > rest_.size())
    fail(size_ - rest_.size(), "it ends too early");
  auto result = rest_.substr(0, count);
  rest_.remove_prefix(count);
  return result;
}

std::uint64_t wire_reader::fixed(std::size_t count) {
  std::uint64_t result = 0;
  auto bytes = take(count);
  for (std::size_t i = 0; i < count; ++i)
    result |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i]))
              << (8 * i);
  return result;
}

} // namespace model_server
