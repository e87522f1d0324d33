// A decoder on the CPU, through our own kernels: a row's result is the same
// bits whatever else is read with it.
#include "models/kernels/aligned_floats.hpp"
#include "models/nets/decoder.hpp"
#include "models/nets/decoder_weights.hpp"
#include "models/nets/expert_mixture.hpp"
#include "models/nets/feed_forward.hpp"
#include "models/nets/latent_heads.hpp"
#include "models/nets/norm_rows.hpp"
#include "models/nets/paged_attention.hpp"
#include "models/nets/pass_products.hpp"
#include "models/nets/rope.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

namespace model_server {

namespace {

std::vector<turn_table> turns_of(const decoder_spec& spec) {
  std::vector<turn_table> result;
  for (auto& rope : spec.ropes)
    result.push_back({rope, rope_frequencies(rope, spec.longest)});
  return result;
}

std::vector<std::size_t> windows_of(const decoder_spec& spec) {
  std::vector<std::size_t> result;
  for (auto& layer : spec.layers)
    if (std::ranges::find(result, layer.attention.window) == result.end())
      result.push_back(layer.attention.window);
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
        products_(kernels),
        attention_(spec_.layers.size(),
                   {spec_.heads, spec_.kv_heads, spec_.head}, turns_of(spec_),
                   windows_of(spec_), cache, kernels),
        queries_(spec_.heads * spec_.head),
        keys_(spec_.kv_heads * spec_.head),
        latent_(spec_, kernels, products_),
        networks_(spec_, kernels, products_),
        experts_(spec_.hidden, products_, networks_) {
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
    products_.use_threads(count);
  }

private:
  // --- before the layers -----------------------------------------------------

  void begin(std::span<const net_input> inputs) {
    attention_.begin(inputs, static_cast<std::size_t>(products_.pool().size()));
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
    networks_.reserve(rows);
  }

  // --- a layer ---------------------------------------------------------------

  void run_layer(std::size_t index) {
    auto& layer = weights_.layers[index];
    auto asks_narrow =
        layer.latent
        && spec_.layers[index].attention.latent->query_down.is_there();
    auto input = norm(layer.attention_norm, normed_,
                      asks_narrow ? layer.latent->query_down : layer.query);
    attend(index, input);
    auto& first = layer.experts ? layer.experts->router : layer.mlp.gate;
    if (spec_.is_parallel && !layer.mlp_norm.weight.empty())
      input = norm(layer.mlp_norm, other_normed_, first);
    add_product(layer.output, attended_.data(), layer.attention_out_norm);
    if (!spec_.is_parallel)
      input = norm(layer.mlp_norm, normed_, first);
    if (layer.experts) {
      experts_.run(*spec_.layers[index].experts, *layer.experts, input, rows_,
                   branch_.data());
      add_branch(layer.mlp_out_norm);
    } else {
      add_product(layer.mlp.down, networks_.gated(layer.mlp, input, rows_),
                  layer.mlp_out_norm);
    }
  }

  void norm_row(const norm_weights& norm, const float* x, float* y) const {
    model_server::norm_row(kernels_, spec_.norms, norm, spec_.norm_epsilon, x,
                           y, spec_.hidden);
  }

  // Norms x_ for products with matrices like `next`; without a norm, what they
  // get is x_.
  const float* norm(const norm_weights& norm, aligned_floats& to,
                    const linear_weights& next) {
    if (norm.weight.empty())
      return x_.data();
    auto size = spec_.hidden;
    to.reserve(rows_ * size);
    products_.fill_input(
        next, to.data(), rows_, [&](std::size_t begin, std::size_t end) {
          for (auto r = begin; r < end; ++r)
            norm_row(norm, x_.data() + r * size, to.data() + r * size);
        });
    return to.data();
  }

  // --- products --------------------------------------------------------------

  // x_ += weights * x, normed and scaled if that is so.
  void add_product(const linear_weights& weights, const float* x,
                   const norm_weights& out_norm) {
    if (out_norm.weight.empty() && spec_.residual_scale == 1.0) {
      products_.run(
          std::array{linear_job{&weights, x_.data(), spec_.hidden, true}}, x,
          rows_);
      return;
    }
    products_.multiply(weights, x, rows_, branch_.data());
    add_branch(out_norm);
  }

  void add_branch(const norm_weights& out_norm) {
    auto size = spec_.hidden;
    auto scale = static_cast<float>(spec_.residual_scale);
    products_.pool().run_rows(rows_, [&](std::size_t begin, std::size_t end) {
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
      latent_.project(*spec.latent, layer, input, rows_, projected_.data());
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
    attention_.run(attention, projected_.data(), attended_.data(),
                   products_.pool());
    if (layer.latent)
      latent_.close_up(spec.latent->value, rows_, attended_.data());
  }

  std::size_t stride() const {
    return queries_ + 2 * keys_;
  }

  // Queries, keys and values of a row stand behind each other.
  void project(const layer_weights& layer, const float* input) {
    auto y = projected_.data();
    products_.run(
        std::array{linear_job{&layer.query, y, stride()},
                   linear_job{&layer.key, y + queries_, stride()},
                   linear_job{&layer.value, y + queries_ + keys_, stride()}},
        input, rows_);
  }

  void norm_heads(const layer_weights& layer) {
    products_.pool().run_rows(rows_, [&](std::size_t begin, std::size_t end) {
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
    for (std::size_t i = 0; i < heads * spec_.head; i += size) {
      auto own = over == head_norm_scope::each_head ? i : 0;
      model_server::norm_row(kernels_, spec_.head_norms, norm,
                             spec_.norm_epsilon, x + i, x + i, size, own);
    }
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
    products_.run(
        std::array{linear_job{&weights_.head(), scores, spec_.vocabulary}},
        normed_.data(), count, [&](std::size_t begin, std::size_t stop) {
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

  decoder_spec spec_;
  const kernel_set& kernels_;
  decoder_weights weights_;
  pass_products products_;
  paged_attention attention_;
  // Numbers of all heads of a row.
  std::size_t queries_, keys_;
  latent_heads latent_;
  feed_forward networks_;
  expert_mixture experts_;
  // Of the pass in progress; kept for their memory.
  std::size_t rows_ = 0;
  aligned_floats x_;                     // [rows, hidden]
  aligned_floats normed_, other_normed_; // [rows, hidden]
  aligned_floats branch_;                // [rows, hidden]
  aligned_floats projected_;             // [rows, queries + 2 keys]
  aligned_floats attended_;              // [rows, queries]
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
