// Stores keys and values of a layer, then lets all rows see them.
#include "models/nets/encoder_attention.hpp"

#include <algorithm>
#include <cmath>

namespace model_server {

encoder_attention::encoder_attention(std::size_t heads, std::size_t head,
                                     const kernel_set& kernels)
    : heads_(heads),
      head_(head),
      layout_{1, heads, head, number_format::f32},
      kernels_(kernels) {
}

void encoder_attention::begin(std::span<const std::size_t> lengths) {
  pieces_.clear();
  std::size_t row = 0, block = 0;
  for (auto length : lengths) {
    for (std::size_t i = 0; i < length; i += max_attention_rows)
      pieces_.push_back({row + i, i, std::min(length - i, max_attention_rows),
                         block, length});
    row += length;
    block += (length + kv_block_tokens - 1) / kv_block_tokens;
  }
  auto floats = layout_.bytes_of_block() / sizeof(float);
  memory_.reserve(block * floats);
  blocks_.resize(block);
  for (std::size_t i = 0; i < block; ++i)
    blocks_[i] = reinterpret_cast<std::byte*>(memory_.data() + i * floats);
}

void encoder_attention::run(float* projected, float* results,
                            thread_pool& pool) {
  pool.run(pieces_.size(),
           [&](std::size_t task) { store(pieces_[task], projected); });
  pool.run(pieces_.size() * heads_, [&](std::size_t task) {
    attend(pieces_[task / heads_], task % heads_, projected, results);
  });
}

void encoder_attention::store(const piece& where, float* projected) {
  auto scale = 1.0f / std::sqrt(static_cast<float>(head_));
  for (std::size_t i = 0; i < where.count; ++i) {
    auto query = projected + (where.row + i) * 3 * size();
    for (std::size_t n = 0; n < size(); ++n)
      query[n] *= scale;
    auto place = where.first + i;
    for (std::size_t h = 0; h < heads_; ++h)
      kernels_.attention->store(layout_.place(0, h), query + size() + h * head_,
                                query + 2 * size() + h * head_,
                                blocks_[where.block + place / kv_block_tokens],
                                place % kv_block_tokens);
  }
}

void encoder_attention::attend(const piece& where, std::size_t head,
                               const float* projected, float* results) const {
  attention_row rows[max_attention_rows];
  for (std::size_t i = 0; i < where.count; ++i) {
    auto row = where.row + i;
    rows[i] = {.query = projected + row * 3 * size() + head * head_,
               .limit = where.length,
               .result = results + row * size() + head * head_};
  }
  attention_task task{.blocks = blocks_.data() + where.block,
                      .place = layout_.place(0, head),
                      .rows = rows,
                      .count = where.count};
  // Each thread's own.
  thread_local aligned_floats scratch;
  scratch.reserve(attention_scratch(task.place.width()));
  kernels_.attention->attend(task, scratch.data());
}

} // namespace model_server
