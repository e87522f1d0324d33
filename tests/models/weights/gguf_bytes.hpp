// Writes GGUF files for tests, also such as no one would write.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace model_server::testing {

/// A number as bytes, little endian.
template <class Number>
std::string little(Number number) {
  std::string result(sizeof(number), '\0');
  std::memcpy(result.data(), &number, sizeof(number));
  return result;
}

/// A string with its length before it.
inline std::string counted(std::string_view text) {
  return little<std::uint64_t>(text.size()) + std::string{text};
}

/// A file that is put together piece by piece.
class gguf_bytes {
public:
  std::string magic = "GGUF";
  std::uint32_t version = 3;
  std::uint64_t alignment = 32;
  std::string data;

  /// A pair whose value is written out, its type included.
  gguf_bytes& pair(std::string_view key, const std::string& value) {
    pairs_ += counted(key) + value;
    ++pair_count;
    return *this;
  }
  gguf_bytes& text(std::string_view key, std::string_view value) {
    return pair(key, little(8u) + counted(value));
  }
  gguf_bytes& integer(std::string_view key, std::uint32_t value) {
    return pair(key, little(4u) + little(value));
  }
  gguf_bytes& number(std::string_view key, float value) {
    return pair(key, little(6u) + little(value));
  }
  gguf_bytes& boolean(std::string_view key, bool value) {
    return pair(key, little(7u) + std::string(1, value ? 1 : 0));
  }
  gguf_bytes& texts(std::string_view key,
                    const std::vector<std::string>& values) {
    std::string all;
    for (auto& value : values)
      all += counted(value);
    return pair(key, array(8, values.size()) + all);
  }
  gguf_bytes& integers(std::string_view key,
                       const std::vector<std::int32_t>& values) {
    std::string all;
    for (auto value : values)
      all += little(value);
    return pair(key, array(5, values.size()) + all);
  }
  gguf_bytes& numbers(std::string_view key, const std::vector<float>& values) {
    std::string all;
    for (auto value : values)
      all += little(value);
    return pair(key, array(6, values.size()) + all);
  }

  /// A line of the list of tensors; `extents` as files have them, the length of
  /// a row first.
  gguf_bytes& tensor(std::string_view name,
                     const std::vector<std::uint64_t>& extents,
                     std::uint32_t type, std::uint64_t offset) {
    tensors_ +=
        counted(name) + little(static_cast<std::uint32_t>(extents.size()));
    for (auto extent : extents)
      tensors_ += little(extent);
    tensors_ += little(type) + little(offset);
    ++tensor_count;
    return *this;
  }

  /// What the file says of how many there are.
  std::uint64_t pair_count = 0;
  std::uint64_t tensor_count = 0;

  std::string bytes() const {
    auto result = magic + little(version) + little(tensor_count)
                  + little(pair_count) + pairs_ + tensors_;
    if (!data.empty())
      result.resize((result.size() + alignment - 1) / alignment * alignment);
    return result + data;
  }

  static std::string array(std::uint32_t type, std::uint64_t count) {
    return little(9u) + little(type) + little(count);
  }

private:
  std::string pairs_;
  std::string tensors_;
};

/// The bytes of a string.
inline std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span{text.data(), text.size()});
}

} // namespace model_server::testing
