// Gathers the rows of each expert, runs it on them and spreads the results.
#include "models/nets/expert_mixture.hpp"

#include <algorithm>
#include <cmath>

namespace model_server {

void expert_mixture::run(const experts_spec& spec,
                         const experts_weights& experts, const float* x,
                         std::size_t rows, float* y) {
  choose(spec, experts, x, rows);
  std::fill_n(y, rows * hidden_, 0.0f);
  gathered_.reserve(rows * hidden_);
  out_.reserve(rows * hidden_);
  for (std::size_t e = 0; e < experts.experts.size(); ++e) {
    auto& own = rows_of_[e];
    if (own.empty())
      continue;
    for (std::size_t i = 0; i < own.size(); ++i)
      std::copy_n(x + own[i].row * hidden_, hidden_,
                  gathered_.data() + i * hidden_);
    auto& expert = experts.experts[e];
    auto inner = networks_.gated(expert, gathered_.data(), own.size());
    products_.multiply(expert.down, inner, own.size(), out_.data());
    for (std::size_t i = 0; i < own.size(); ++i)
      add_weighted(out_.data() + i * hidden_, own[i].weight,
                   y + own[i].row * hidden_);
  }
  if (experts.shared)
    add_shared(experts, x, rows, y);
}

void expert_mixture::choose(const experts_spec& spec,
                            const experts_weights& experts, const float* x,
                            std::size_t rows) {
  auto count = experts.experts.size();
  router_.reserve(rows * count);
  products_.multiply(experts.router, x, rows, router_.data());
  rows_of_.resize(std::max(rows_of_.size(), count));
  for (auto& each : rows_of_)
    each.clear();
  for (std::size_t r = 0; r < rows; ++r) {
    choose_experts(spec, {router_.data() + r * count, count},
                   experts.correction, choice_);
    for (auto& chosen : choice_)
      rows_of_[chosen.index].push_back({r, chosen.weight});
  }
}

void expert_mixture::add_shared(const experts_weights& experts, const float* x,
                                std::size_t rows, float* y) {
  router_.reserve(rows);
  if (experts.shared_gate)
    products_.multiply(*experts.shared_gate, x, rows, router_.data());
  auto inner = networks_.gated(*experts.shared, x, rows);
  products_.multiply(experts.shared->down, inner, rows, out_.data());
  for (std::size_t r = 0; r < rows; ++r) {
    auto weight = experts.shared_gate
                      ? 1.0f / (1.0f + std::exp(-router_.data()[r]))
                      : 1.0f;
    add_weighted(out_.data() + r * hidden_, weight, y + r * hidden_);
  }
}

void expert_mixture::add_weighted(const float* x, float weight,
                                  float* y) const {
  for (std::size_t i = 0; i < hidden_; ++i)
    y[i] += weight * x[i];
}

} // namespace model_server
