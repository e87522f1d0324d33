// Down to the narrow vectors, their norms, and up to all heads.
#include "models/nets/latent_heads.hpp"

#include "models/nets/norm_rows.hpp"

#include <algorithm>

namespace model_server {

namespace {

// These norms have an epsilon of their own, whatever the file says.
constexpr double narrow_epsilon = 1e-6;

} // namespace

void latent_heads::project(const latent_spec& spec, const layer_weights& layer,
                           const float* x, std::size_t rows, float* y) {
  auto& latent = *layer.latent;
  auto query_input = x;
  if (spec.query_down.is_there()) {
    narrow_.reserve(rows * spec.query_down.outputs);
    products_.multiply(latent.query_down, x, rows, narrow_.data());
    norm_narrow(latent.query_norm, rows, spec.query_down.outputs);
    query_input = narrow_.data();
  }
  asked_.reserve(rows * heads_ * head_);
  products_.multiply(layer.query, query_input, rows, asked_.data());
  auto width = spec.rank + spec.turned;
  down_.reserve(rows * width);
  products_.multiply(latent.down, x, rows, down_.data());
  // The vector alone, without the turned numbers behind it.
  narrow_.reserve(rows * spec.rank);
  for (std::size_t r = 0; r < rows; ++r)
    std::copy_n(down_.data() + r * width, spec.rank,
                narrow_.data() + r * spec.rank);
  norm_narrow(latent.norm, rows, spec.rank);
  up_.reserve(rows * latent.up.outputs());
  products_.multiply(latent.up, narrow_.data(), rows, up_.data());
  products_.pool().run_rows(rows, [&](std::size_t begin, std::size_t end) {
    for (auto r = begin; r < end; ++r)
      arrange(spec, r, y + r * 3 * heads_ * head_);
  });
}

void latent_heads::norm_narrow(const norm_weights& norm, std::size_t rows,
                               std::size_t size) {
  for (std::size_t r = 0; r < rows; ++r) {
    auto x = narrow_.data() + r * size;
    norm_row(kernels_, norm_kind::rms, norm, narrow_epsilon, x, x, size);
  }
}

void latent_heads::arrange(const latent_spec& spec, std::size_t row,
                           float* y) const {
  auto query = y;
  auto key = query + heads_ * head_;
  auto value = key + heads_ * head_;
  auto asked = asked_.data() + row * heads_ * head_;
  auto turned = down_.data() + row * (spec.rank + spec.turned) + spec.rank;
  auto up = up_.data() + row * heads_ * (spec.still + spec.value);
  for (std::size_t h = 0; h < heads_; ++h) {
    std::copy_n(asked + spec.still, spec.turned, query);
    std::copy_n(asked, spec.still, query + spec.turned);
    std::copy_n(turned, spec.turned, key);
    std::copy_n(up, spec.still, key + spec.turned);
    std::copy_n(up + spec.still, spec.value, value);
    std::fill_n(value + spec.value, head_ - spec.value, 0.0f);
    asked += head_;
    query += head_;
    key += head_;
    value += head_;
    up += spec.still + spec.value;
  }
}

void latent_heads::close_up(std::size_t value, std::size_t rows,
                            float* values) const {
  auto to = values;
  for (std::size_t i = 0; i < rows * heads_; ++i, to += value)
    std::copy_n(values + i * head_, value, to);
}

} // namespace model_server
