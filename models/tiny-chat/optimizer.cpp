// Muon (Keller Jordan, 2024), its steps scaled to the size of AdamW's so that
// both share a learning rate.
#include "models/tiny-chat/optimizer.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

namespace model_server::tiny_chat {

namespace {

using torch::Tensor;

constexpr double decay = 0.1;
constexpr double momentum = 0.95;

/// Returns a matrix with the same singular vectors and singular values near 1,
/// by Newton-Schulz steps.
Tensor made_orthogonal(const Tensor& matrix) {
  constexpr double a = 3.4445, b = -4.7750, c = 2.0315;
  auto is_tall = matrix.size(0) > matrix.size(1);
  auto x = (is_tall ? matrix.t() : matrix).contiguous();
  x = (x / (x.norm() + 1e-7)).to(torch::kBFloat16);
  for (int i = 0; i < 5; ++i) {
    auto square = torch::mm(x, x.t());
    auto factor = b * square + c * torch::mm(square, square);
    x = a * x + torch::mm(factor, x);
  }
  x = x.to(torch::kFloat);
  return is_tall ? x.t() : x;
}

} // namespace

struct optimizer::state {
  std::vector<Tensor> matrices;
  std::vector<Tensor> momenta;
  std::unique_ptr<torch::optim::AdamW> others;
};

optimizer::optimizer(const std::vector<at::Tensor>& matrices,
                     const std::vector<at::Tensor>& tables,
                     const std::vector<at::Tensor>& vectors)
    : state_(std::make_unique<state>()) {
  state_->matrices = matrices;
  for (const auto& matrix : matrices)
    state_->momenta.push_back(torch::zeros_like(matrix));
  auto options = [](double weight_decay) {
    return std::make_unique<torch::optim::AdamWOptions>(
        torch::optim::AdamWOptions{}
            .betas({0.9, 0.98})
            .weight_decay(weight_decay));
  };
  std::vector<torch::optim::OptimizerParamGroup> groups;
  groups.emplace_back(tables, options(decay));
  groups.emplace_back(vectors, options(0.0));
  state_->others = std::make_unique<torch::optim::AdamW>(groups);
}

optimizer::~optimizer() = default;

void optimizer::step(double rate) {
  torch::NoGradGuard no_gradients;
  for (std::size_t i = 0; i < state_->matrices.size(); ++i) {
    auto& matrix = state_->matrices[i];
    const auto& gradient = matrix.grad();
    auto& moving = state_->momenta[i];
    moving.mul_(momentum).add_(gradient);
    auto step = made_orthogonal(gradient + momentum * moving);
    auto longest = std::max(matrix.size(0), matrix.size(1));
    auto size = 0.2 * std::sqrt(static_cast<double>(longest));
    matrix.mul_(1 - rate * decay).add_(step, -rate * size);
  }
  for (auto& group : state_->others->param_groups())
    static_cast<torch::optim::AdamWOptions&>(group.options()).lr(rate);
  state_->others->step();
}

} // namespace model_server::tiny_chat
