// Stores keys and values where the kernels look for them.
#include "models/nets/kv_blocks.hpp"

#include <algorithm>

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
  return keys_at(layers, 0);
}

void kv_blocks::reserve(std::size_t count) {
  auto needed = (size_ + count + kv_block_tokens - 1) / kv_block_tokens;
  while (blocks_.size() < needed) {
    // Zeros: what lies beyond the last token is multiplied by 0, never left
    // out.
    blocks_.emplace_back(layout_.floats_of_block());
    addresses_.push_back(blocks_.back().data());
  }
}

void kv_blocks::store(std::size_t layer, std::size_t kv_head, std::size_t token,
                      const float* key, const float* value) {
  auto block = blocks_[token / kv_block_tokens].data();
  auto slot = token % kv_block_tokens;
  auto keys = block + layout_.keys_at(layer, kv_head) + slot;
  for (std::size_t i = 0; i < layout_.head; ++i)
    keys[i * kv_block_tokens] = key[i];
  std::copy_n(value, layout_.head,
              block + layout_.values_at(layer, kv_head) + slot * layout_.width);
}

attention_view kv_blocks::view(std::size_t layer, std::size_t kv_head) const {
  return {addresses_.data(), layout_.keys_at(layer, kv_head),
          layout_.values_at(layer, kv_head), layout_.head, layout_.width};
}

} // namespace model_server
