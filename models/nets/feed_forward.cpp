// Activates outputs on the threads that computed them.
#include "models/nets/feed_forward.hpp"

#include <algorithm>
#include <array>

namespace model_server {

namespace {

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

} // namespace

feed_forward::feed_forward(const decoder_spec& spec, const kernel_set& kernels,
                           pass_products& products)
    : kernels_(kernels),
      products_(products),
      activate_(spec.activate),
      widest_(widest_mlp(spec)) {
}

void feed_forward::reserve(std::size_t rows) {
  gates_.reserve(rows * widest_);
  ups_.reserve(rows * widest_);
}

const float* feed_forward::gated(const mlp_weights& mlp, const float* x,
                                 std::size_t rows) {
  auto size = mlp.gate.outputs();
  auto finish = [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = 0; r < rows; ++r)
      kernels_.activate(activate_, gates_.data() + r * size + begin,
                        mlp.up ? ups_.data() + r * size + begin : nullptr,
                        end - begin);
  };
  linear_job gate{&mlp.gate, gates_.data(), size};
  if (!mlp.up) {
    products_.run(std::array{gate}, x, rows, finish);
    return gates_.data();
  }
  std::array both{gate, linear_job{&*mlp.up, ups_.data(), size}};
  if (linear_runner::share_input(mlp.gate, *mlp.up)) {
    products_.run(both, x, rows, finish);
  } else {
    products_.run(both, x, rows);
    finish(0, size);
  }
  return gates_.data();
}

} // namespace model_server
