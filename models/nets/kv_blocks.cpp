// Maps the memory of blocks, and stores keys and values where the kernels look
// for them.
#include "models/nets/kv_blocks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <sys/mman.h>

namespace model_server {

kv_layout::kv_layout(std::size_t layer_count, std::size_t head_count,
                     std::size_t head_size)
    : layers(layer_count),
      kv_heads(head_count),
      head(head_size),
      width((head_size + 15) / 16 * 16) {
}

std::size_t kv_layout::keys_at(std::size_t layer, std::size_t kv_head) const {
  return (layer * kv_heads + kv_head) * kv_block_tokens * (head + width);
}

std::size_t kv_layout::values_at(std::size_t layer, std::size_t kv_head) const {
  return keys_at(layer, kv_head) + kv_block_tokens * head;
}

std::size_t kv_layout::floats_of_block() const {
  return (keys_at(layers, 0) + 15) / 16 * 16;
}

void kv_layout::store(float* block, std::size_t layer, std::size_t kv_head,
                      std::size_t slot, const float* key,
                      const float* value) const {
  auto keys = block + keys_at(layer, kv_head) + slot;
  for (std::size_t i = 0; i < head; ++i)
    keys[i * kv_block_tokens] = key[i];
  std::copy_n(value, head, block + values_at(layer, kv_head) + slot * width);
}

attention_view kv_layout::view(const float* const* blocks, std::size_t layer,
                               std::size_t kv_head) const {
  return {blocks, keys_at(layer, kv_head), values_at(layer, kv_head), head,
          width};
}

kv_blocks::kv_blocks(const kv_layout& layout, std::size_t count)
    : bytes_(count * layout.floats_of_block() * sizeof(float)),
      floats_of_block_(layout.floats_of_block()) {
  auto memory = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    throw std::runtime_error(
        fmt::format("no room for {} bytes of keys and values: {}", bytes_,
                    std::strerror(errno)));
  // A step walks through many blocks; large pages spare it the look-ups. Only
  // advice.
  ::madvise(memory, bytes_, MADV_HUGEPAGE);
  data_ = static_cast<float*>(memory);
}

kv_blocks::kv_blocks(kv_blocks&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      bytes_(other.bytes_),
      floats_of_block_(other.floats_of_block_) {
}

kv_blocks& kv_blocks::operator=(kv_blocks&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  std::swap(floats_of_block_, other.floats_of_block_);
  return *this;
}

kv_blocks::~kv_blocks() {
  if (data_ != nullptr)
    ::munmap(data_, bytes_);
}

} // namespace model_server
