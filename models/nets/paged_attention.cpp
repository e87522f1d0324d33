// Stores keys and values, and runs the tasks of attention.
#include "models/nets/paged_attention.hpp"

#include <algorithm>
#include <utility>

namespace model_server {

paged_attention::paged_attention(std::size_t layers,
                                 const attention_heads& shape,
                                 std::vector<turn_table> turns,
                                 const std::vector<std::size_t>& windows,
                                 number_format format,
                                 const kernel_set& kernels)
    : shape_(shape),
      layout_{layers, shape.kv_heads, shape.head, format},
      kernels_(kernels) {
  for (auto& table : turns)
    turns_.emplace_back().table = std::move(table);
  for (auto window : windows)
    plans_.push_back({window, {}});
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
  for (auto& [table, cosines, sines, scales] : turns_) {
    auto pairs = table.frequencies.size();
    cosines.reserve(rows_.size() * pairs);
    sines.reserve(rows_.size() * pairs);
    scales.reserve(rows_.size());
    for (std::size_t r = 0; r < rows_.size(); ++r) {
      scales.data()[r] = rope_query_scale(table.rope, rows_[r].position);
      rope_turn(table.frequencies, rows_[r].position,
                static_cast<float>(table.rope.attention_factor),
                cosines.data() + r * pairs, sines.data() + r * pairs);
    }
  }
  auto size = attention_part(layout_.place(0, 0).width());
  for (auto& [window, plan] : plans_) {
    plan.make(inputs, shape_, threads, window);
    parts_.reserve(plan.parts * size);
  }
}

void paged_attention::run(const attention_layer& layer, float* projected,
                          float* results, thread_pool& pool) {
  layer_data data{layer, projected, results};
  pool.run_rows(rows_.size(), [&](std::size_t begin, std::size_t end) {
    for (auto r = begin; r < end; ++r)
      store(data, r);
  });
  auto& plan =
      std::ranges::find(plans_, layer.window, &window_plan::window)->plan;
  pool.run(plan.pieces.size(),
           [&](std::size_t task) { attend(data, plan.pieces[task]); });
  for (auto index : plan.cut)
    merge(data, plan.pieces[index]);
}

// Turns the first numbers of a head by its position, and scales all of it.
void paged_attention::turn(const row_turns& turns, std::size_t row, float scale,
                           float* head) const {
  auto pairs = turns.table.frequencies.size();
  auto cosines = turns.cosines.data() + row * pairs;
  auto sines = turns.sines.data() + row * pairs;
  if (turns.table.rope.is_interleaved) {
    // The kernel wants the first numbers of all pairs, then the second.
    thread_local std::vector<float> halves;
    halves.resize(2 * pairs);
    for (std::size_t i = 0; i < pairs; ++i) {
      halves[i] = head[2 * i];
      halves[pairs + i] = head[2 * i + 1];
    }
    kernels_.rotate(halves.data(), cosines, sines, scale, halves.data(), pairs);
    for (std::size_t i = 0; i < pairs; ++i) {
      head[2 * i] = halves[i];
      head[2 * i + 1] = halves[pairs + i];
    }
  } else {
    kernels_.rotate(head, cosines, sines, scale, head, pairs);
  }
  for (auto i = 2 * pairs; i < shape_.head; ++i)
    head[i] *= scale;
}

// Turns queries and keys by their position, and stores keys and values.
void paged_attention::store(const layer_data& data, std::size_t row) {
  auto& layer = data.layer;
  auto head = shape_.head;
  auto query = data.projected + row * stride();
  auto key = query + shape_.heads * head;
  auto value = key + shape_.kv_heads * head;
  if (layer.turns) {
    auto& turns = turns_[*layer.turns];
    auto scale = layer.scale * turns.query_scales.data()[row];
    for (std::size_t i = 0; i < shape_.heads; ++i)
      turn(turns, row, scale, query + i * head);
    for (std::size_t i = 0; i < shape_.kv_heads; ++i)
      turn(turns, row, 1.0f, key + i * head);
  } else {
    for (std::size_t i = 0; i < shape_.heads * head; ++i)
      query[i] *= layer.scale;
  }
  auto position = rows_[row].position;
  for (std::size_t i = 0; i < shape_.kv_heads; ++i)
    kernels_.attention->store(layout_.place(layer.index, i), key + i * head,
                              value + i * head,
                              rows_[row].blocks[position / kv_block_tokens],
                              position % kv_block_tokens);
}

void paged_attention::attend(const layer_data& data,
                             const attention_piece& piece) {
  auto& layer = data.layer;
  auto head = shape_.head;
  attention_row rows[max_attention_rows];
  for (std::size_t i = 0; i < piece.rows(); ++i) {
    auto r = piece.row + i / piece.heads;
    auto number = piece.head + i % piece.heads;
    auto offset = number * head;
    auto limit = rows_[r].position + 1;
    rows[i] = {.query = data.projected + r * stride() + offset,
               .limit = limit,
               .result = data.results + r * shape_.heads * head + offset,
               .first = first_in_window(limit, layer.window),
               .sink = layer.sinks != nullptr ? layer.sinks + number : nullptr,
               .slope = layer.slopes != nullptr ? layer.slopes[number] : 0.0f};
  }
  auto kv_head = piece.head / shape_.group();
  attention_task task{.blocks = rows_[piece.row].blocks,
                      .place = layout_.place(layer.index, kv_head),
                      .rows = rows,
                      .count = piece.rows(),
                      .softcap = layer.softcap};
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
  auto& layer = data.layer;
  auto head = shape_.head;
  auto size = attention_part(layout_.place(0, 0).width());
  for (std::size_t i = 0; i < piece.rows(); ++i) {
    auto r = piece.row + i / piece.heads;
    auto number = piece.head + i % piece.heads;
    auto limit = rows_[r].position + 1;
    auto first = first_attention_chunk(first_in_window(limit, layer.window));
    kernels_.attention->merge(
        parts_of(piece) + (i * piece.chunks + first - piece.first) * size,
        attention_chunks(limit) - first,
        layer.sinks != nullptr ? layer.sinks + number : nullptr, head,
        data.results + (r * shape_.heads + number) * head);
  }
}

// Those of the first chunk of a piece.
float* paged_attention::parts_of(const attention_piece& piece) {
  return parts_.data()
         + (piece.parts + piece.begin - piece.first)
               * attention_part(layout_.place(0, 0).width());
}

} // namespace model_server
