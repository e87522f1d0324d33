// A Llama on the CPU, through our own kernels: a row's result is the same bits
// whatever else is read with it.
#include "models/nets/kv_blocks.hpp"
#include "models/nets/linear_runner.hpp"
#include "models/nets/llama.hpp"
#include "models/nets/llama_weights.hpp"
#include "models/nets/rope.hpp"

#include "models/kernels/aligned_floats.hpp"
#include "models/kernels/thread_pool.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

namespace model_server {

namespace {

// Rows that are worth a task of their own in work that is done row by row.
constexpr std::size_t row_step = 8;

std::size_t parts(std::size_t count, std::size_t step) {
  return (count + step - 1) / step;
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
            const weight_form& form, const kernel_set& kernels,
            const load_watch& watch)
      : config_(config),
        kernels_(kernels),
        weights_(config, std::move(files), form, watch),
        linear_(kernels),
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
      norm(layer.attention_norm, layer.query);
      project(layer);
      turn(i);
      pool_->run(attention_tasks_.size(),
                 [&](std::size_t task) { attend(i, attention_tasks_[task]); });
      add_product(layer.output, attended_.data());
      norm(layer.mlp_norm, layer.gate);
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
        weights_.embedding.copy_row(static_cast<std::size_t>(token),
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

  // --- the parts of a layer --------------------------------------------------

  // Calls f(begin, end) for all rows, several a task.
  template <class F>
  void each_rows(std::size_t count, F f) {
    pool_->run(parts(count, row_step), [&](std::size_t task) {
      f(task * row_step, std::min(count, (task + 1) * row_step));
    });
  }

  // Leaves the input of the products with matrices like this one.
  void norm(const std::vector<float>& weight, const linear_weights& next) {
    auto size = config_.hidden;
    linear_.begin(next, normed_.data(), rows_.size());
    each_rows(rows_.size(), [&](std::size_t begin, std::size_t end) {
      for (auto r = begin; r < end; ++r)
        kernels_.rms_norm(x_.data() + r * size, weight.data(), epsilon(),
                          normed_.data() + r * size, size);
      linear_.prepare(begin, end);
    });
  }

  float epsilon() const {
    return static_cast<float>(config_.norm_epsilon);
  }

  // Queries, keys and values of a row stand behind each other.
  void project(const llama_layer_weights& layer) {
    auto y = projected_.data();
    auto stride = queries_ + 2 * keys_;
    linear_.run(*pool_,
                std::array{linear_job{&layer.query, y, stride},
                           linear_job{&layer.key, y + queries_, stride},
                           linear_job{&layer.value, y + queries_ + keys_,
                                      stride}});
  }

  // Turns queries and keys by their positions, and stores keys and values.
  void turn(std::size_t layer) {
    auto head = config_.head;
    auto half = head / 2;
    auto scale = 1.0f / std::sqrt(static_cast<float>(head));
    auto turn_row = [&](std::size_t r) {
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
    };
    each_rows(rows_.size(), [&](std::size_t begin, std::size_t end) {
      for (auto r = begin; r < end; ++r)
        turn_row(r);
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

  void add_product(const linear_weights& weights, const float* x) {
    linear_.begin(weights, x, rows_.size());
    if (weights.packed)
      each_rows(rows_.size(), [&](std::size_t begin, std::size_t end) {
        linear_.prepare(begin, end);
      });
    linear_.run(*pool_, std::array{linear_job{&weights, x_.data(),
                                              config_.hidden, true}});
  }

  // gates = silu(gate) * up
  void gate(const llama_layer_weights& layer) {
    auto size = config_.intermediate;
    linear_.run(*pool_,
                std::array{linear_job{&layer.gate, gates_.data(), size},
                           linear_job{&layer.up, ups_.data(), size}},
                [&](std::size_t begin, std::size_t end) {
                  for (std::size_t r = 0; r < rows_.size(); ++r)
                    kernels_.swiglu(gates_.data() + r * size + begin,
                                    ups_.data() + r * size + begin,
                                    end - begin);
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
    if (count == 0)
      return;
    linear_.begin(weights_.head(), normed_.data(), count);
    linear_.prepare(0, count);
    linear_.run(*pool_, std::array{linear_job{&weights_.head(), scores,
                                              config_.vocabulary}});
  }

  llama_config config_;
  const kernel_set& kernels_;
  llama_weights weights_;
  linear_runner linear_;
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
               const weight_form& form, const kernel_set& kernels,
               const load_watch& watch) {
  return std::make_unique<llama_cpu>(config, std::move(weights), form,
                                     kernels, watch);
}

} // namespace model_server
