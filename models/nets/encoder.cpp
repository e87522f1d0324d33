// An encoder on the CPU, through our own kernels: a text's result is the same
// bits whatever else is read with it.
#include "models/nets/encoder.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace model_server {

encoder::encoder(encoder_spec spec, std::shared_ptr<const weight_folder> files,
                 const weight_form& form, const kernel_set& kernels,
                 const load_watch& watch)
    : spec_(std::move(spec)),
      kernels_(kernels),
      weights_(spec_, std::move(files), form, watch),
      linear_(kernels),
      attention_(spec_.heads, spec_.head(), kernels) {
}

void encoder::forward(std::span<encoder_input> inputs) {
  begin(inputs);
  for (auto& layer : weights_.layers)
    run_layer(layer);
  finish(inputs);
}

void encoder::use_threads(int count) {
  pool_ = std::make_unique<thread_pool>(count);
}

void encoder::begin(std::span<const encoder_input> inputs) {
  lengths_.clear();
  rows_ = 0;
  for (auto& input : inputs) {
    lengths_.push_back(input.tokens.size());
    rows_ += input.tokens.size();
  }
  attention_.begin(lengths_);
  auto size = spec_.hidden;
  x_.reserve(rows_ * size);
  projected_.reserve(rows_ * 3 * size);
  attended_.reserve(rows_ * size);
  inner_.reserve(rows_ * spec_.intermediate);
  auto x = x_.data();
  for (auto& input : inputs) {
    embed(input.tokens, x);
    x += input.tokens.size() * size;
  }
  norm(weights_.embedding_norm);
}

void encoder::embed(std::span<const token_id> tokens, float* x) const {
  auto size = spec_.hidden;
  auto next = spec_.first_position;
  for (auto token : tokens) {
    auto position =
        token == spec_.uncounted ? spec_.first_position - 1 : next++;
    weights_.embedding.copy_row(static_cast<std::size_t>(token), x);
    auto row = weights_.positions.data() + position * size;
    for (std::size_t i = 0; i < size; ++i)
      x[i] += row[i];
    x += size;
  }
}

void encoder::run_layer(const encoder_layer_weights& layer) {
  auto size = spec_.hidden;
  linear_.set(*pool_, layer.query, x_.data(), rows_);
  auto y = projected_.data();
  linear_.run(*pool_,
              std::array{linear_job{&layer.query, y, 3 * size},
                         linear_job{&layer.key, y + size, 3 * size},
                         linear_job{&layer.value, y + 2 * size, 3 * size}});
  attention_.run(y, attended_.data(), *pool_);
  add_product(layer.output, attended_.data());
  norm(layer.attention_norm);
  linear_.set(*pool_, layer.up, x_.data(), rows_);
  auto inner = spec_.intermediate;
  linear_.run(*pool_, std::array{linear_job{&layer.up, inner_.data(), inner}},
              [&](std::size_t begin, std::size_t end) {
                for (std::size_t r = 0; r < rows_; ++r)
                  kernels_.activate(spec_.activate,
                                    inner_.data() + r * inner + begin, nullptr,
                                    end - begin);
              });
  add_product(layer.down, inner_.data());
  norm(layer.mlp_norm);
}

// A number that is none stays so from layer to layer.
void encoder::finish(std::span<encoder_input> inputs) const {
  auto x = x_.data();
  for (auto& input : inputs) {
    auto end = x + input.tokens.size() * spec_.hidden;
    input.is_finite =
        std::all_of(x, end, [](float value) { return std::isfinite(value); });
    std::copy(x, end, input.states);
    x = end;
  }
}

// Norms x_ in its place.
void encoder::norm(const matrix_reader::norm_weights& norm) {
  auto size = spec_.hidden;
  pool_->run_rows(rows_, [&](std::size_t begin, std::size_t end) {
    for (auto r = begin; r < end; ++r) {
      auto x = x_.data() + r * size;
      kernels_.layer_norm(x, norm.weight.data(), norm.bias.data(),
                          static_cast<float>(spec_.norm_epsilon), x, size);
    }
  });
}

// x_ += weights * x
void encoder::add_product(const linear_weights& weights, const float* x) {
  linear_.set(*pool_, weights, x, rows_);
  linear_.run(*pool_,
              std::array{linear_job{&weights, x_.data(), spec_.hidden, true}});
}

} // namespace model_server
