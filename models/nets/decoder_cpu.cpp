// A decoder on the CPU, through our own kernels: a row's result is the same
// bits whatever else is read with it.
#include "models/nets/decoder.hpp"
#include "models/nets/decoder_weights.hpp"
#include "models/nets/expert_choice.hpp"
#include "models/nets/linear_runner.hpp"
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

std::vector<turn_table> turns_of(const decoder_spec& spec) {
  std::vector<turn_table> result;
  for (auto& rope : spec.ropes)
    result.push_back({rope_frequencies(rope, spec.longest),
                      static_cast<float>(rope.attention_factor),
                      rope.is_interleaved});
  return result;
}

std::vector<std::size_t> windows_of(const decoder_spec& spec) {
  std::vector<std::size_t> result;
  for (auto& layer : spec.layers)
    if (std::ranges::find(result, layer.attention.window) == result.end())
      result.push_back(layer.attention.window);
  return result;
}

std::size_t widest_mlp(const decoder_spec& spec) {
  std::size_t result = 0;
  auto look = [&](const mlp_spec& mlp) {
    result = std::max(result, mlp.gate.outputs);
  };
  for (auto& layer : spec.layers) {
    look(layer.mlp);
    if (!layer.experts)
      continue;
    for (auto& expert : layer.experts->experts)
      look(expert);
    if (layer.experts->shared)
      look(*layer.experts->shared);
  }
  return result;
}

class decoder_cpu : public causal_net {
public:
  decoder_cpu(decoder_spec spec, std::shared_ptr<const weight_folder> files,
              const weight_form& form, const kernel_set& kernels,
              const load_watch& watch, number_format cache)
      : spec_(std::move(spec)),
        kernels_(kernels),
        weights_(spec_, std::move(files), form, watch),
        linear_(kernels),
        attention_(spec_.layers.size(),
                   {spec_.heads, spec_.kv_heads, spec_.head}, turns_of(spec_),
                   windows_of(spec_), cache, kernels),
        queries_(spec_.heads * spec_.head),
        keys_(spec_.kv_heads * spec_.head),
        inner_(widest_mlp(spec_)) {
  }

  std::size_t vocabulary() const override {
    return spec_.vocabulary;
  }

  std::size_t width() const override {
    return spec_.hidden;
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
    for (std::size_t i = 0; i < spec_.layers.size(); ++i)
      run_layer(i);
    check(inputs);
    write_states(inputs);
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
    auto scale = static_cast<float>(spec_.embedding_scale);
    for (auto& input : inputs)
      for (std::size_t t = 0; t < input.tokens.size(); ++t) {
        auto token = static_cast<std::size_t>(input.tokens[t]);
        weights_.embedding.copy_row(token, x);
        if (spec_.embedding_scale != 1.0)
          for (std::size_t i = 0; i < spec_.hidden; ++i)
            x[i] *= scale;
        if (!weights_.positions.empty())
          add_position(input.position + t, x);
        if (!weights_.embedding_norm.weight.empty())
          norm_row(weights_.embedding_norm, x, x);
        x += spec_.hidden;
      }
  }

  void add_position(std::size_t position, float* x) const {
    auto row = weights_.positions.data() + position * spec_.hidden;
    for (std::size_t i = 0; i < spec_.hidden; ++i)
      x[i] += row[i];
  }

  void reserve(std::size_t rows) {
    x_.reserve(rows * spec_.hidden);
    normed_.reserve(rows * spec_.hidden);
    branch_.reserve(rows * spec_.hidden);
    projected_.reserve(rows * (queries_ + 2 * keys_));
    attended_.reserve(rows * queries_);
    gates_.reserve(rows * inner_);
    ups_.reserve(rows * inner_);
  }

  // --- a layer ---------------------------------------------------------------

  void run_layer(std::size_t index) {
    auto& layer = weights_.layers[index];
    auto input = norm(layer.attention_norm, normed_, layer.query);
    attend(index, input);
    auto& first = layer.experts ? layer.experts->router : layer.mlp.gate;
    if (spec_.is_parallel && !layer.mlp_norm.weight.empty())
      input = norm(layer.mlp_norm, other_normed_, first);
    add_product(layer.output, attended_.data(), layer.attention_out_norm);
    if (!spec_.is_parallel)
      input = norm(layer.mlp_norm, normed_, first);
    if (layer.experts) {
      run_experts(*spec_.layers[index].experts, *layer.experts, input);
      add_branch(layer.mlp_out_norm);
    } else {
      gate(layer.mlp, input, rows_);
      add_product(layer.mlp.down, gates_.data(), layer.mlp_out_norm);
    }
  }

  float epsilon() const {
    return static_cast<float>(spec_.norm_epsilon);
  }

  void norm_row(norm_kind kind, const float* x, const float* weight,
                const float* bias, float* y, std::size_t size,
                float epsilon) const {
    if (kind == norm_kind::rms)
      kernels_.rms_norm(x, weight, epsilon, y, size);
    else
      kernels_.layer_norm(x, weight, bias, epsilon, y, size);
  }

  void norm_row(const norm_weights& norm, const float* x, float* y) const {
    norm_row(spec_.norms, x, norm.weight.data(),
             norm.bias.empty() ? nullptr : norm.bias.data(), y, spec_.hidden,
             epsilon());
  }

  // Norms x_ for products with matrices like `next`; without a norm, what they
  // get is x_.
  const float* norm(const norm_weights& norm, aligned_floats& to,
                    const linear_weights& next) {
    if (norm.weight.empty())
      return x_.data();
    auto size = spec_.hidden;
    to.reserve(rows_ * size);
    linear_.begin(next, to.data(), rows_);
    pool_->run_rows(rows_, [&](std::size_t begin, std::size_t end) {
      for (auto r = begin; r < end; ++r)
        norm_row(norm, x_.data() + r * size, to.data() + r * size);
      linear_.prepare(begin, end);
    });
    prepared_ = {to.data(), &next};
    return to.data();
  }

  // --- products --------------------------------------------------------------

  // The input of the products that follow, all with matrices like this one.
  void set_input(const linear_weights& like, const float* x, std::size_t rows) {
    auto is_ready = prepared_.x == x && prepared_.like == &like;
    prepared_ = {};
    if (!is_ready)
      linear_.set(*pool_, like, x, rows);
  }

  void multiply(const linear_weights& weights, const float* x, std::size_t rows,
                float* y) {
    set_input(weights, x, rows);
    linear_.run(*pool_, std::array{linear_job{&weights, y, weights.outputs()}});
  }

  // x_ += weights * x, normed and scaled if that is so.
  void add_product(const linear_weights& weights, const float* x,
                   const norm_weights& out_norm) {
    if (out_norm.weight.empty() && spec_.residual_scale == 1.0) {
      set_input(weights, x, rows_);
      linear_.run(*pool_, std::array{linear_job{&weights, x_.data(),
                                                spec_.hidden, true}});
      return;
    }
    multiply(weights, x, rows_, branch_.data());
    add_branch(out_norm);
  }

  void add_branch(const norm_weights& out_norm) {
    auto size = spec_.hidden;
    auto scale = static_cast<float>(spec_.residual_scale);
    pool_->run_rows(rows_, [&](std::size_t begin, std::size_t end) {
      for (auto r = begin; r < end; ++r) {
        auto branch = branch_.data() + r * size;
        auto x = x_.data() + r * size;
        if (!out_norm.weight.empty())
          norm_row(out_norm, branch, branch);
        for (std::size_t i = 0; i < size; ++i)
          x[i] += scale * branch[i];
      }
    });
  }

  // --- attention -------------------------------------------------------------

  void attend(std::size_t index, const float* input) {
    auto& layer = weights_.layers[index];
    auto& spec = spec_.layers[index].attention;
    if (layer.latent)
      project_latent(*spec.latent, layer, input);
    else
      project(layer, input);
    if (!layer.query_norm.weight.empty())
      norm_heads(layer);
    attention_layer attention{
        .index = index,
        .turns = spec.rope,
        .window = spec.window,
        .scale = static_cast<float>(spec.scale),
        .softcap = static_cast<float>(spec.softcap),
        .sinks = layer.sinks.empty() ? nullptr : layer.sinks.data(),
        .slopes = spec_.slopes.empty() ? nullptr : spec_.slopes.data()};
    attention_.run(attention, projected_.data(), attended_.data(), *pool_);
    if (layer.latent)
      close_up_values(spec.latent->value);
  }

  std::size_t stride() const {
    return queries_ + 2 * keys_;
  }

  // Queries, keys and values of a row stand behind each other.
  void project(const layer_weights& layer, const float* input) {
    auto y = projected_.data();
    run_jobs(std::array{linear_job{&layer.query, y, stride()},
                        linear_job{&layer.key, y + queries_, stride()},
                        linear_job{&layer.value, y + queries_ + keys_,
                                   stride()}},
             input, rows_);
  }

  // Products of one input; those that take it in the same form side by side.
  void run_jobs(std::span<const linear_job> jobs, const float* input,
                std::size_t rows) {
    while (!jobs.empty()) {
      auto& first = *jobs.front().weights;
      std::size_t count = 1;
      while (count < jobs.size()
             && linear_runner::share_input(first, *jobs[count].weights))
        ++count;
      set_input(first, input, rows);
      linear_.run(*pool_, jobs.first(count));
      jobs = jobs.subspan(count);
    }
  }

  void norm_heads(const layer_weights& layer) {
    pool_->run_rows(rows_, [&](std::size_t begin, std::size_t end) {
      for (auto r = begin; r < end; ++r) {
        auto row = projected_.data() + r * stride();
        norm_heads_of(layer.query_norm, row, spec_.heads);
        norm_heads_of(layer.key_norm, row + queries_, spec_.kv_heads);
      }
    });
  }

  void norm_heads_of(const norm_weights& norm, float* x,
                     std::size_t heads) const {
    auto over = spec_.head_norm_over;
    auto size = over == head_norm_scope::all ? heads * spec_.head : spec_.head;
    auto bias = norm.bias.empty() ? nullptr : norm.bias.data();
    for (std::size_t i = 0; i < heads * spec_.head; i += size) {
      auto own = over == head_norm_scope::each_head ? i : 0;
      norm_row(spec_.head_norms, x + i, norm.weight.data() + own, bias, x + i,
               size, epsilon());
    }
  }

  // --- attention through a narrow vector -------------------------------------

  void project_latent(const latent_spec& spec, const layer_weights& layer,
                      const float* input) {
    auto& latent = *layer.latent;
    auto query_input = input;
    if (spec.query_down.is_there()) {
      narrow_.reserve(rows_ * spec.query_down.outputs);
      multiply(latent.query_down, input, rows_, narrow_.data());
      norm_narrow(latent.query_norm, spec.query_down.outputs);
      query_input = narrow_.data();
    }
    heads_.reserve(rows_ * queries_);
    multiply(layer.query, query_input, rows_, heads_.data());
    auto width = spec.rank + spec.turned;
    down_.reserve(rows_ * width);
    multiply(latent.down, input, rows_, down_.data());
    // The vector alone, without the turned numbers behind it.
    narrow_.reserve(rows_ * spec.rank);
    for (std::size_t r = 0; r < rows_; ++r)
      std::copy_n(down_.data() + r * width, spec.rank,
                  narrow_.data() + r * spec.rank);
    norm_narrow(latent.norm, spec.rank);
    up_.reserve(rows_ * latent.up.outputs());
    multiply(latent.up, narrow_.data(), rows_, up_.data());
    pool_->run_rows(rows_, [&](std::size_t begin, std::size_t end) {
      for (auto r = begin; r < end; ++r)
        arrange_heads(spec, r);
    });
  }

  // These norms have an epsilon of their own, whatever the file says.
  void norm_narrow(const norm_weights& norm, std::size_t size) {
    for (std::size_t r = 0; r < rows_; ++r) {
      auto x = narrow_.data() + r * size;
      norm_row(norm_kind::rms, x, norm.weight.data(), nullptr, x, size, 1e-6f);
    }
  }

  // The numbers that are turned come first in our heads, and values are filled
  // up with 0.
  void arrange_heads(const latent_spec& spec, std::size_t row) {
    auto size = spec_.head;
    auto query = projected_.data() + row * stride();
    auto key = query + queries_;
    auto value = key + keys_;
    auto from = heads_.data() + row * queries_;
    auto turned = down_.data() + row * (spec.rank + spec.turned) + spec.rank;
    auto up = up_.data() + row * spec_.heads * (spec.still + spec.value);
    for (std::size_t h = 0; h < spec_.heads; ++h) {
      std::copy_n(from + h * size + spec.still, spec.turned, query + h * size);
      std::copy_n(from + h * size, spec.still, query + h * size + spec.turned);
      auto own = up + h * (spec.still + spec.value);
      std::copy_n(turned, spec.turned, key + h * size);
      std::copy_n(own, spec.still, key + h * size + spec.turned);
      std::copy_n(own + spec.still, spec.value, value + h * size);
      std::fill_n(value + h * size + spec.value, size - spec.value, 0.0f);
    }
  }

  // Takes out again what values were filled up with.
  void close_up_values(std::size_t value) {
    auto to = attended_.data();
    for (std::size_t i = 0; i < rows_ * spec_.heads; ++i, to += value)
      std::copy_n(attended_.data() + i * spec_.head, value, to);
  }

  // --- feed-forward networks -------------------------------------------------

  // gates_ = f(gate) * up
  void gate(const mlp_weights& mlp, const float* input, std::size_t rows) {
    auto size = mlp.gate.outputs();
    auto finish = [&](std::size_t begin, std::size_t end) {
      for (std::size_t r = 0; r < rows; ++r)
        kernels_.activate(spec_.activate, gates_.data() + r * size + begin,
                          mlp.up ? ups_.data() + r * size + begin : nullptr,
                          end - begin);
    };
    linear_job first{&mlp.gate, gates_.data(), size};
    if (mlp.up && !linear_runner::share_input(mlp.gate, *mlp.up)) {
      run_jobs(std::array{first, linear_job{&*mlp.up, ups_.data(), size}},
               input, rows);
      return finish(0, size);
    }
    set_input(mlp.gate, input, rows);
    if (mlp.up)
      linear_.run(*pool_,
                  std::array{first, linear_job{&*mlp.up, ups_.data(), size}},
                  finish);
    else
      linear_.run(*pool_, std::array{first}, finish);
  }

  // Leaves in branch_ what the experts of each row say, added in the order of
  // their indexes.
  void run_experts(const experts_spec& spec, const experts_weights& experts,
                   const float* input) {
    choose(spec, experts, input);
    auto size = spec_.hidden;
    std::fill_n(branch_.data(), rows_ * size, 0.0f);
    gathered_.reserve(rows_ * size);
    expert_out_.reserve(rows_ * size);
    for (std::size_t e = 0; e < experts.experts.size(); ++e) {
      auto& rows = rows_of_[e];
      for (std::size_t i = 0; i < rows.size(); ++i)
        std::copy_n(input + rows[i].row * size, size,
                    gathered_.data() + i * size);
      if (rows.empty())
        continue;
      gate(experts.experts[e], gathered_.data(), rows.size());
      multiply(experts.experts[e].down, gates_.data(), rows.size(),
               expert_out_.data());
      for (std::size_t i = 0; i < rows.size(); ++i)
        add_weighted(expert_out_.data() + i * size, rows[i].weight,
                     branch_.data() + rows[i].row * size);
    }
    if (experts.shared)
      run_shared(experts, input);
  }

  void choose(const experts_spec& spec, const experts_weights& experts,
              const float* input) {
    auto count = experts.experts.size();
    router_.reserve(rows_ * count);
    multiply(experts.router, input, rows_, router_.data());
    rows_of_.resize(std::max(rows_of_.size(), count));
    for (auto& rows : rows_of_)
      rows.clear();
    for (std::size_t r = 0; r < rows_; ++r) {
      choose_experts(spec, {router_.data() + r * count, count},
                     experts.correction, choice_);
      for (auto& chosen : choice_)
        rows_of_[chosen.index].push_back({r, chosen.weight});
    }
  }

  void run_shared(const experts_weights& experts, const float* input) {
    auto size = spec_.hidden;
    router_.reserve(rows_);
    if (experts.shared_gate)
      multiply(*experts.shared_gate, input, rows_, router_.data());
    gate(*experts.shared, input, rows_);
    multiply(experts.shared->down, gates_.data(), rows_, expert_out_.data());
    for (std::size_t r = 0; r < rows_; ++r) {
      auto weight = experts.shared_gate
                        ? 1.0f / (1.0f + std::exp(-router_.data()[r]))
                        : 1.0f;
      add_weighted(expert_out_.data() + r * size, weight,
                   branch_.data() + r * size);
    }
  }

  void add_weighted(const float* x, float weight, float* y) const {
    for (std::size_t i = 0; i < spec_.hidden; ++i)
      y[i] += weight * x[i];
  }

  // --- behind the layers -----------------------------------------------------

  // A number that is none stays so from layer to layer, so it is enough to look
  // at the end. It may come from a token further back that was read in the same
  // call of a kernel.
  void check(std::span<net_input> inputs) const {
    auto x = x_.data();
    for (auto& input : inputs) {
      auto end = x + input.tokens.size() * spec_.hidden;
      input.is_finite =
          std::all_of(x, end, [](float value) { return std::isfinite(value); });
      x = end;
    }
  }

  void write_states(std::span<const net_input> inputs) const {
    auto x = x_.data();
    auto size = spec_.hidden;
    for (auto& input : inputs) {
      for (std::size_t t = 0;
           input.states != nullptr && t < input.tokens.size(); ++t)
        norm_row(weights_.norm, x + t * size, input.states + t * size);
      x += input.tokens.size() * size;
    }
  }

  void score(std::span<const net_input> inputs, float* scores) {
    auto size = spec_.hidden;
    std::size_t end = 0;
    std::size_t count = 0;
    for (auto& input : inputs) {
      end += input.tokens.size();
      for (auto r = end - input.scores_wanted; r < end; ++r)
        norm_row(weights_.norm, x_.data() + r * size,
                 normed_.data() + count++ * size);
    }
    if (count == 0)
      return;
    set_input(weights_.head(), normed_.data(), count);
    linear_.run(
        *pool_,
        std::array{linear_job{&weights_.head(), scores, spec_.vocabulary}},
        [&](std::size_t begin, std::size_t stop) {
          for (std::size_t r = 0; r < count; ++r)
            finish_scores(
                {scores + r * spec_.vocabulary + begin, stop - begin});
        });
  }

  void finish_scores(std::span<float> scores) const {
    auto scale = static_cast<float>(spec_.score_scale);
    auto cap = static_cast<float>(spec_.score_softcap);
    if (spec_.score_scale != 1.0)
      for (auto& score : scores)
        score *= scale;
    if (spec_.score_softcap != 0.0)
      for (auto& score : scores)
        score = std::tanh(score / cap) * cap;
  }

  // The input that is ready in `linear_`, until the next one.
  struct prepared_input {
    const float* x = nullptr;
    const linear_weights* like = nullptr;
  };

  // A row that an expert is asked about.
  struct weighted_row {
    std::size_t row;
    float weight;
  };

  decoder_spec spec_;
  const kernel_set& kernels_;
  decoder_weights weights_;
  linear_runner linear_;
  paged_attention attention_;
  // Numbers of all heads of a row.
  std::size_t queries_, keys_;
  // Of the widest feed-forward network.
  std::size_t inner_;
  std::unique_ptr<thread_pool> pool_ = std::make_unique<thread_pool>(1);
  // Of the pass in progress; kept for their memory.
  std::size_t rows_ = 0;
  prepared_input prepared_;
  aligned_floats x_;                              // [rows, hidden]
  aligned_floats normed_, other_normed_;          // [rows, hidden]
  aligned_floats branch_;                         // [rows, hidden]
  aligned_floats projected_;                      // [rows, queries + 2 keys]
  aligned_floats attended_;                       // [rows, queries]
  aligned_floats gates_, ups_;                    // [rows, inner]
  aligned_floats narrow_, heads_, down_, up_;     // of latent attention
  aligned_floats router_, gathered_, expert_out_; // of experts
  std::vector<chosen_expert> choice_;
  std::vector<std::vector<weighted_row>> rows_of_; // of each expert
};

} // namespace

std::unique_ptr<causal_net>
load_decoder_cpu(decoder_spec spec,
                 std::shared_ptr<const weight_folder> weights,
                 const weight_form& form, const kernel_set& kernels,
                 const load_watch& watch, number_format cache) {
  resolve_names(spec, *weights);
  return std::make_unique<decoder_cpu>(std::move(spec), std::move(weights),
                                       form, kernels, watch, cache);
}

} // namespace model_server
