// A Llama on the CPU, through our own kernels: a row's result is the same bits
// whatever else is read with it.
#include "models/nets/kv_blocks.hpp"
#include "models/nets/llama.hpp"
#include "models/nets/llama_weights.hpp"
#include "models/nets/rope.hpp"

#include "models/kernels/aligned_floats.hpp"
#include "models/kernels/thread_pool.hpp"
#include "models/weights/half_floats.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

namespace model_server {

namespace {

// About as many bytes of weights as one task reads: they stay in a core's cache
// while the rows pass by.
constexpr std::size_t task_bytes = 48 * 1024;

// Outputs of a task, a multiple of this: the kernels' tiles fit into it.
constexpr std::size_t output_step = 24;

// Rows that are worth a task of their own in work that is done row by row.
constexpr std::size_t row_step = 8;

std::size_t parts(std::size_t count, std::size_t step) {
  return (count + step - 1) / step;
}

std::size_t outputs_of_task(const matrix_view& weight) {
  auto outputs = task_bytes / (weight.columns * size_of(weight.format));
  return std::max(outputs / output_step, std::size_t{1}) * output_step;
}

// One token of a pass.
struct row {
  // Of its sequence.
  float* const* blocks;
  std::size_t position;
};

// One call of the attention kernel: some heads that share a key head, for some
// neighbouring tokens of a sequence.
struct attention_task {
  std::size_t row;
  std::size_t tokens;
  std::size_t kv_head;
  std::size_t head;
  std::size_t heads;
};

class llama_cpu : public causal_net {
public:
  llama_cpu(const llama_config& config,
            std::shared_ptr<const weight_folder> files,
            std::optional<number_format> format, const kernel_set& kernels,
            const load_watch& watch)
      : config_(config),
        kernels_(kernels),
        weights_(config, std::move(files), format, watch),
        layout_(config.layers, config.kv_heads, config.head),
        frequencies_(rope_frequencies(config.rope, config.head)),
        queries_(config.heads * config.head),
        keys_(config.kv_heads * config.head) {
  }

  std::size_t vocabulary() const override {
    return config_.vocabulary;
  }

  std::size_t bytes_of_block() const override {
    return layout_.floats_of_block() * sizeof(float);
  }

  void make_blocks(std::size_t count) override {
    blocks_ = kv_blocks{layout_, count};
  }

  bool shares_blocks() const override {
    return true;
  }

  bool is_exact() const override {
    return true;
  }

  void forward(std::span<net_input> inputs, float* scores) override {
    begin(inputs);
    for (std::size_t i = 0; i < weights_.layers.size(); ++i) {
      auto& layer = weights_.layers[i];
      norm(layer.attention_norm);
      project(layer);
      turn(i);
      pool_->run(attention_tasks_.size(),
                 [&](std::size_t task) { attend(i, attention_tasks_[task]); });
      add_product(layer.output, attended_.data());
      norm(layer.mlp_norm);
      gate(layer);
      add_product(layer.down, gates_.data());
    }
    check(inputs);
    score(inputs, scores);
  }

  void use_threads(int count) override {
    pool_ = std::make_unique<thread_pool>(count);
  }

private:
  // --- before the layers -----------------------------------------------------

  void begin(std::span<const net_input> inputs) {
    rows_.clear();
    attention_tasks_.clear();
    find_blocks(inputs);
    auto blocks = addresses_.data();
    for (auto& input : inputs) {
      plan_attention(rows_.size(), input.tokens.size());
      for (std::size_t i = 0; i < input.tokens.size(); ++i)
        rows_.push_back({blocks, input.position + i});
      blocks += input.blocks.size();
    }
    reserve(rows_.size());
    // Each token's number and angles.
    auto half = frequencies_.size();
    std::size_t r = 0;
    for (auto& input : inputs)
      for (auto token : input.tokens) {
        copy_row(weights_.embedding.weight, static_cast<std::size_t>(token),
                 x_.data() + r * config_.hidden);
        rope_turn(frequencies_, rows_[r].position, cosines_.data() + r * half,
                  sines_.data() + r * half);
        ++r;
      }
  }

  void find_blocks(std::span<const net_input> inputs) {
    addresses_.clear();
    for (auto& input : inputs)
      for (auto block : input.blocks)
        addresses_.push_back(blocks_.block(block));
  }

  void plan_attention(std::size_t first, std::size_t count) {
    auto group = config_.heads / config_.kv_heads;
    auto heads = std::min(group, max_attend_rows);
    auto tokens = max_attend_rows / heads;
    for (std::size_t kv_head = 0; kv_head < config_.kv_heads; ++kv_head)
      for (std::size_t i = 0; i < count; i += tokens)
        for (std::size_t head = 0; head < group; head += heads)
          attention_tasks_.push_back({first + i, std::min(tokens, count - i),
                                      kv_head, kv_head * group + head,
                                      std::min(heads, group - head)});
  }

  void reserve(std::size_t rows) {
    x_.reserve(rows * config_.hidden);
    normed_.reserve(rows * config_.hidden);
    projected_.reserve(rows * (queries_ + 2 * keys_));
    attended_.reserve(rows * queries_);
    gates_.reserve(rows * config_.intermediate);
    ups_.reserve(rows * config_.intermediate);
    cosines_.reserve(rows * frequencies_.size());
    sines_.reserve(rows * frequencies_.size());
  }

  static void copy_row(const matrix_view& matrix, std::size_t index,
                       float* to) {
    auto begin = index * matrix.columns;
    auto copy = [&](auto numbers) {
      for (std::size_t i = 0; i < matrix.columns; ++i)
        to[i] = to_float(numbers[begin + i]);
    };
    switch (matrix.format) {
    case number_format::bf16:
      return copy(static_cast<const bfloat16*>(matrix.data));
    case number_format::f16:
      return copy(static_cast<const float16*>(matrix.data));
    default:
      std::copy_n(static_cast<const float*>(matrix.data) + begin,
                  matrix.columns, to);
    }
  }

  // --- the parts of a layer --------------------------------------------------

  // Calls f(r) for each row, several rows a task.
  template <class F>
  void each_row(std::size_t count, F f) {
    pool_->run(parts(count, row_step), [&](std::size_t task) {
      auto end = std::min(count, (task + 1) * row_step);
      for (auto r = task * row_step; r < end; ++r)
        f(r);
    });
  }

  void norm(const std::vector<float>& weight) {
    auto size = config_.hidden;
    each_row(rows_.size(), [&](std::size_t r) {
      kernels_.rms_norm(x_.data() + r * size, weight.data(), epsilon(),
                        normed_.data() + r * size, size);
    });
  }

  float epsilon() const {
    return static_cast<float>(config_.norm_epsilon);
  }

  // Cuts the outputs of products into tasks.
  void run(std::span<const product> products) {
    std::size_t count = 0;
    for (auto& item : products)
      count += parts(item.weight.rows, outputs_of_task(item.weight));
    pool_->run(count, [&](std::size_t task) {
      for (auto& item : products) {
        auto step = outputs_of_task(item.weight);
        auto tasks = parts(item.weight.rows, step);
        if (task < tasks)
          return kernels_.multiply(
              item, task * step, std::min(item.weight.rows, (task + 1) * step));
        task -= tasks;
      }
    });
  }

  product make_product(const linear_weights& linear, const float* x, float* y,
                       std::size_t y_stride) const {
    return {linear.weight, linear.bias_or_null(), x, rows_.size(), y, y_stride};
  }

  // Queries, keys and values of a row stand behind each other.
  void project(const llama_layer_weights& layer) {
    auto x = normed_.data();
    auto y = projected_.data();
    auto stride = queries_ + 2 * keys_;
    run(std::array{make_product(layer.query, x, y, stride),
                   make_product(layer.key, x, y + queries_, stride),
                   make_product(layer.value, x, y + queries_ + keys_, stride)});
  }

  // Turns queries and keys by their positions, and stores keys and values.
  void turn(std::size_t layer) {
    auto head = config_.head;
    auto half = head / 2;
    auto scale = 1.0f / std::sqrt(static_cast<float>(head));
    each_row(rows_.size(), [&](std::size_t r) {
      auto query = projected_.data() + r * (queries_ + 2 * keys_);
      auto key = query + queries_;
      auto rotate = [&](float* x, float factor) {
        kernels_.rotate(x, cosines_.data() + r * half, sines_.data() + r * half,
                        factor, x, half);
      };
      for (std::size_t i = 0; i < config_.heads; ++i)
        rotate(query + i * head, scale);
      for (std::size_t i = 0; i < config_.kv_heads; ++i) {
        rotate(key + i * head, 1.0f);
        auto position = rows_[r].position;
        layout_.store(rows_[r].blocks[position / kv_block_tokens], layer, i,
                      position % kv_block_tokens, key + i * head,
                      key + keys_ + i * head);
      }
    });
  }

  void attend(std::size_t layer, const attention_task& task) {
    auto cache = layout_.view(rows_[task.row].blocks, layer, task.kv_head);
    auto head = config_.head;
    // Each thread's own; grows to the longest sequence seen.
    thread_local aligned_floats scores, queries, results;
    std::size_t limits[max_attend_rows];
    std::size_t count = task.tokens * task.heads;
    queries.reserve(count * cache.width);
    results.reserve(count * cache.width);
    auto place = [&](std::size_t i) {
      return (task.row + i / task.heads) * queries_
             + (task.head + i % task.heads) * head;
    };
    for (std::size_t i = 0; i < count; ++i) {
      auto r = task.row + i / task.heads;
      limits[i] = rows_[r].position + 1;
      std::copy_n(projected_.data() + r * (queries_ + 2 * keys_)
                      + (task.head + i % task.heads) * head,
                  head, queries.data() + i * cache.width);
    }
    scores.reserve(count * parts(limits[count - 1], kv_block_tokens)
                   * kv_block_tokens);
    kernels_.attend(cache, queries.data(), limits, count, scores.data(),
                    results.data());
    for (std::size_t i = 0; i < count; ++i)
      std::copy_n(results.data() + i * cache.width, head,
                  attended_.data() + place(i));
  }

  void add_product(const linear_weights& linear, const float* x) {
    auto task = make_product(linear, x, x_.data(), config_.hidden);
    task.adds = true;
    run({&task, 1});
  }

  // gates = silu(gate) * up
  void gate(const llama_layer_weights& layer) {
    auto size = config_.intermediate;
    auto gates = make_product(layer.gate, normed_.data(), gates_.data(), size);
    auto ups = make_product(layer.up, normed_.data(), ups_.data(), size);
    auto step = outputs_of_task(layer.gate.weight);
    pool_->run(parts(size, step), [&](std::size_t task) {
      auto begin = task * step;
      auto end = std::min(size, begin + step);
      kernels_.multiply(gates, begin, end);
      kernels_.multiply(ups, begin, end);
      for (std::size_t r = 0; r < rows_.size(); ++r)
        kernels_.swiglu(gates_.data() + r * size + begin,
                        ups_.data() + r * size + begin, end - begin);
    });
  }

  // --- behind the layers -----------------------------------------------------

  // A number that is none stays so from layer to layer, so it is enough to look
  // at the end. It may come from a token further back that was read in the same
  // call of a kernel.
  void check(std::span<net_input> inputs) const {
    auto x = x_.data();
    for (auto& input : inputs) {
      auto end = x + input.tokens.size() * config_.hidden;
      input.is_finite =
          std::all_of(x, end, [](float value) { return std::isfinite(value); });
      x = end;
    }
  }

  void score(std::span<const net_input> inputs, float* scores) {
    auto size = config_.hidden;
    std::size_t end = 0;
    std::size_t count = 0;
    for (auto& input : inputs) {
      end += input.tokens.size();
      for (auto r = end - input.scores_wanted; r < end; ++r)
        kernels_.rms_norm(x_.data() + r * size, weights_.norm.data(), epsilon(),
                          normed_.data() + count++ * size, size);
    }
    product task{weights_.head(), nullptr, normed_.data(),
                 count,           scores,  config_.vocabulary};
    if (count > 0)
      run({&task, 1});
  }

  llama_config config_;
  const kernel_set& kernels_;
  llama_weights weights_;
  kv_layout layout_;
  std::vector<float> frequencies_;
  // Numbers of all heads of a row.
  std::size_t queries_, keys_;
  std::unique_ptr<thread_pool> pool_ = std::make_unique<thread_pool>(1);
  kv_blocks blocks_;
  // Of the pass in progress; kept for their memory.
  std::vector<float*> addresses_;
  std::vector<row> rows_;
  std::vector<attention_task> attention_tasks_;
  aligned_floats x_;         // [rows, hidden]
  aligned_floats normed_;    // [rows, hidden]
  aligned_floats projected_; // [rows, queries + 2 keys]
  aligned_floats attended_;  // [rows, queries]
  aligned_floats gates_;     // [rows, intermediate]
  aligned_floats ups_;       // [rows, intermediate]
  aligned_floats cosines_;   // [rows, head / 2]
  aligned_floats sines_;     // [rows, head / 2]
};

} // namespace

std::unique_ptr<causal_net>
load_llama_cpu(const llama_config& config,
               std::shared_ptr<const weight_folder> weights,
               std::optional<number_format> format, const kernel_set& kernels,
               const load_watch& watch) {
  return std::make_unique<llama_cpu>(config, std::move(weights), format,
                                     kernels, watch);
}

} // namespace model_server
