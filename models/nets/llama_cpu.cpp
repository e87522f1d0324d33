// A Llama on the CPU, through our own kernels: a row's result is the same bits
// whatever else is read with it.
#include "models/nets/linear_runner.hpp"
#include "models/nets/llama.hpp"
#include "models/nets/llama_weights.hpp"
#include "models/nets/paged_attention.hpp"
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


class llama_cpu : public causal_net {
public:
  llama_cpu(const llama_config& config,
            std::shared_ptr<const weight_folder> files,
            const weight_form& form, const kernel_set& kernels,
            const load_watch& watch, number_format cache)
      : config_(config),
        kernels_(kernels),
        weights_(config, std::move(files), form, watch),
        linear_(kernels),
        attention_(config.layers,
                   {config.heads, config.kv_heads, config.head},
                   rope_frequencies(config.rope, config.head), cache, kernels),
        queries_(config.heads * config.head),
        keys_(config.kv_heads * config.head) {
  }

  std::size_t vocabulary() const override {
    return config_.vocabulary;
  }

  std::size_t bytes_of_block() const override {
    return attention_.bytes_of_block();
  }

  void make_blocks(std::size_t count) override {
    attention_.make_blocks(count);
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
      attention_.run(i, projected_.data(), attended_.data(), *pool_);
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
    attention_.begin(inputs, static_cast<std::size_t>(pool_->size()));
    rows_ = 0;
    for (auto& input : inputs)
      rows_ += input.tokens.size();
    reserve(rows_);
    auto x = x_.data();
    for (auto& input : inputs)
      for (auto token : input.tokens) {
        weights_.embedding.copy_row(static_cast<std::size_t>(token), x);
        x += config_.hidden;
      }
  }

  void reserve(std::size_t rows) {
    x_.reserve(rows * config_.hidden);
    normed_.reserve(rows * config_.hidden);
    projected_.reserve(rows * (queries_ + 2 * keys_));
    attended_.reserve(rows * queries_);
    gates_.reserve(rows * config_.intermediate);
    ups_.reserve(rows * config_.intermediate);
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
    linear_.begin(next, normed_.data(), rows_);
    each_rows(rows_, [&](std::size_t begin, std::size_t end) {
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

  void add_product(const linear_weights& weights, const float* x) {
    linear_.begin(weights, x, rows_);
    if (weights.packed)
      each_rows(rows_, [&](std::size_t begin, std::size_t end) {
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
                  for (std::size_t r = 0; r < rows_; ++r)
                    kernels_.activate(activation::silu,
                                      gates_.data() + r * size + begin,
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
  paged_attention attention_;
  // Numbers of all heads of a row.
  std::size_t queries_, keys_;
  std::unique_ptr<thread_pool> pool_ = std::make_unique<thread_pool>(1);
  // Of the pass in progress; kept for their memory.
  std::size_t rows_ = 0;
  aligned_floats x_;         // [rows, hidden]
  aligned_floats normed_;    // [rows, hidden]
  aligned_floats projected_; // [rows, queries + 2 keys]
  aligned_floats attended_;  // [rows, queries]
  aligned_floats gates_;     // [rows, intermediate]
  aligned_floats ups_;       // [rows, intermediate]
};

} // namespace

std::unique_ptr<causal_net>
load_llama_cpu(const llama_config& config,
               std::shared_ptr<const weight_folder> weights,
               const weight_form& form, const kernel_set& kernels,
               const load_watch& watch, number_format cache) {
  return std::make_unique<llama_cpu>(config, std::move(weights), form,
                                     kernels, watch, cache);
}

} // namespace model_server
