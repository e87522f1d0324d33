// Stores keys and values, and runs the tasks of attention.
#include "models/nets/paged_attention.hpp"

#include "models/nets/rope.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace model_server {

namespace {

// Rows that are worth a task of their own where they are stored.
constexpr std::size_t row_step = 8;

} // namespace

paged_attention::paged_attention(std::size_t layers,
                                 const attention_heads& shape,
                                 std::vector<float> frequencies,
                                 number_format format,
                                 const kernel_set& kernels)
    : shape_(shape),
      layout_{layers, shape.kv_heads, shape.head, format},
      frequencies_(std::move(frequencies)),
      kernels_(kernels) {
}

std::size_t paged_attention::bytes_of_block() const {
  return layout_.bytes_of_block();
}

void paged_attention::make_blocks(std::size_t count) {
  blocks_ = kv_blocks{layout_, count};
}

void paged_attention::begin(std::span<const net_input> inputs,
                            std::size_t threads) {
  addresses_.clear();
  for (auto& input : inputs)
    for (auto block : input.blocks)
      addresses_.push_back(blocks_.block(block));
  rows_.clear();
  auto blocks = addresses_.data();
  for (auto& input : inputs) {
    for (std::size_t i = 0; i < input.tokens.size(); ++i)
      rows_.push_back({blocks, input.position + i});
    blocks += input.blocks.size();
  }
  auto half = frequencies_.size();
  cosines_.reserve(rows_.size() * half);
  sines_.reserve(rows_.size() * half);
  for (std::size_t r = 0; r < rows_.size(); ++r)
    rope_turn(frequencies_, rows_[r].position, cosines_.data() + r * half,
              sines_.data() + r * half);
  plan_.make(inputs, shape_, threads);
  auto width = layout_.place(0, 0).width();
  parts_.reserve(plan_.parts * attention_part(width));
}

void paged_attention::run(std::size_t layer, float* projected, float* results,
                          thread_pool& pool) {
  layer_data data{layer, projected, results};
  pool.run((rows_.size() + row_step - 1) / row_step, [&](std::size_t task) {
    auto end = std::min(rows_.size(), (task + 1) * row_step);
    for (auto r = task * row_step; r < end; ++r)
      store(data, r);
  });
  pool.run(plan_.pieces.size(),
           [&](std::size_t task) { attend(data, plan_.pieces[task]); });
  for (auto index : plan_.cut)
    merge(data, plan_.pieces[index]);
}

// Turns queries and keys by their position, and stores keys and values.
void paged_attention::store(const layer_data& data, std::size_t row) {
  auto head = shape_.head;
  auto half = frequencies_.size();
  auto query = data.projected + row * stride();
  auto key = query + shape_.heads * head;
  auto value = key + shape_.kv_heads * head;
  auto cosines = cosines_.data() + row * half;
  auto sines = sines_.data() + row * half;
  auto scale = 1.0f / std::sqrt(static_cast<float>(head));
  for (std::size_t i = 0; i < shape_.heads; ++i)
    kernels_.rotate(query + i * head, cosines, sines, scale, query + i * head,
                    half);
  auto position = rows_[row].position;
  for (std::size_t i = 0; i < shape_.kv_heads; ++i) {
    kernels_.rotate(key + i * head, cosines, sines, 1.0f, key + i * head, half);
    kernels_.attention->store(layout_.place(data.layer, i), key + i * head,
                              value + i * head,
                              rows_[row].blocks[position / kv_block_tokens],
                              position % kv_block_tokens);
  }
}

void paged_attention::attend(const layer_data& data,
                             const attention_piece& piece) {
  auto head = shape_.head;
  attention_row rows[max_attention_rows];
  for (std::size_t i = 0; i < piece.rows(); ++i) {
    auto r = piece.row + i / piece.heads;
    auto offset = (piece.head + i % piece.heads) * head;
    rows[i] = {data.projected + r * stride() + offset, rows_[r].position + 1,
               data.results + r * shape_.heads * head + offset};
  }
  auto kv_head = piece.head / shape_.group();
  attention_task task{rows_[piece.row].blocks,
                      layout_.place(data.layer, kv_head), rows, piece.rows()};
  // Each thread's own.
  thread_local aligned_floats scratch;
  scratch.reserve(attention_scratch(task.place.width()));
  if (piece.is_whole())
    kernels_.attention->attend(task, scratch.data());
  else
    kernels_.attention->attend_chunks(task, piece.begin, piece.end,
                                      parts_of(piece), piece.chunks,
                                      scratch.data());
}

void paged_attention::merge(const layer_data& data,
                            const attention_piece& piece) {
  auto head = shape_.head;
  auto size = attention_part(layout_.place(0, 0).width());
  for (std::size_t i = 0; i < piece.rows(); ++i) {
    auto r = piece.row + i / piece.heads;
    auto offset = (piece.head + i % piece.heads) * head;
    kernels_.attention->merge(parts_of(piece) + i * piece.chunks * size,
                              attention_chunks(rows_[r].position + 1), nullptr,
                              head,
                              data.results + r * shape_.heads * head + offset);
  }
}

// Those of the first chunk of a piece.
float* paged_attention::parts_of(const attention_piece& piece) {
  return parts_.data()
         + (piece.parts + piece.begin - piece.first)
               * attention_part(layout_.place(0, 0).width());
}

} // namespace model_server
