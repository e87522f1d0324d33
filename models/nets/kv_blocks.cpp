// Maps the memory of blocks, and says where in it keys and values lie.
#include "models/nets/kv_blocks.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <sys/mman.h>

namespace model_server {

kv_place kv_layout::place(std::size_t layer, std::size_t kv_head) const {
  kv_place result{.format = format, .head = head};
  auto vector = kv_block_tokens * size_of(format); // a number of each token
  auto units = format == number_format::i8
                   ? kv_block_tokens * size_of(number_format::f16)
                   : 0;
  auto keys = vector * head + units;
  auto values = vector * result.width() + units;
  result.keys = (layer * kv_heads + kv_head) * (keys + values);
  result.values = result.keys + keys;
  return result;
}

std::size_t kv_layout::bytes_of_block() const {
  return (place(layers, 0).keys + 63) / 64 * 64;
}

kv_blocks::kv_blocks(const kv_layout& layout, std::size_t count)
    : bytes_(count * layout.bytes_of_block()),
      bytes_of_block_(layout.bytes_of_block()) {
  auto memory = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    throw std::runtime_error(
        fmt::format("no room for {} bytes of keys and values: {}", bytes_,
                    std::strerror(errno)));
  // A step walks through many blocks; large pages spare it the look-ups. Only
  // advice.
  ::madvise(memory, bytes_, MADV_HUGEPAGE);
  data_ = static_cast<std::byte*>(memory);
}

kv_blocks::kv_blocks(kv_blocks&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      bytes_(other.bytes_),
      bytes_of_block_(other.bytes_of_block_) {
}

kv_blocks& kv_blocks::operator=(kv_blocks&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  std::swap(bytes_of_block_, other.bytes_of_block_);
  return *this;
}

kv_blocks::~kv_blocks() {
  if (data_ != nullptr)
    ::munmap(data_, bytes_);
}

} // namespace model_server
