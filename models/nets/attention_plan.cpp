// Decides how many rows and chunks a task of attention gets.
#include "models/nets/attention_plan.hpp"

#include "models/kernels/attention.hpp"

#include <algorithm>

namespace model_server {

namespace {

// Tasks for each thread at least, where there is enough to do.
constexpr std::size_t tasks_a_thread = 8;

// Calls f with the rows of each task, as one piece with all chunks. Later
// tokens see more, and come first.
template <class F>
void each_task(std::span<const net_input> inputs, const attention_heads& shape,
               std::size_t window, F f) {
  auto heads = std::min(shape.group(), max_attention_rows);
  auto step = max_attention_rows / heads;
  std::size_t row = 0;
  for (std::size_t n = 0; n < inputs.size(); ++n) {
    auto count = inputs[n].tokens.size();
    for (auto i = (count + step - 1) / step * step; i > 0;) {
      i -= step;
      auto tokens = std::min(step, count - i);
      auto begin = first_attention_chunk(
          first_in_window(inputs[n].position + i + 1, window));
      auto end = attention_chunks(inputs[n].position + i + tokens);
      for (std::size_t head = 0; head < shape.heads; head += shape.group())
        for (std::size_t h = 0; h < shape.group(); h += heads)
          f(attention_piece{n, row + i, tokens, head + h,
                            std::min(heads, shape.group() - h), begin, end,
                            begin, end - begin});
    }
    row += count;
  }
}

std::size_t cost_of(const attention_piece& piece) {
  return piece.rows() * (piece.end - piece.begin);
}

} // namespace

void attention_plan::make(std::span<const net_input> inputs,
                          const attention_heads& shape, std::size_t threads,
                          std::size_t window) {
  pieces.clear();
  cut.clear();
  parts = 0;
  std::size_t total = 0;
  each_task(inputs, shape, window,
            [&](const attention_piece& rows) { total += cost_of(rows); });
  auto most = threads > 1 ? total / (threads * tasks_a_thread) : total;
  each_task(inputs, shape, window,
            [&](const attention_piece& rows) { add_rows(rows, most); });
}

// Cuts them into pieces that cost about `most`.
void attention_plan::add_rows(attention_piece rows, std::size_t most) {
  most = std::max(most, std::size_t{1});
  auto count = std::min((cost_of(rows) + most - 1) / most, rows.chunks);
  if (count > 1) {
    rows.parts = parts;
    parts += rows.rows() * rows.chunks;
    cut.push_back(pieces.size());
  }
  for (std::size_t i = 0; i < count; ++i) {
    rows.begin = rows.first + i * rows.chunks / count;
    rows.end = rows.first + (i + 1) * rows.chunks / count;
    pieces.push_back(rows);
  }
}

} // namespace model_server
