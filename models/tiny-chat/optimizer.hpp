// Turns gradients into steps of the training.
#pragma once

#include <memory>
#include <vector>

namespace at {
class Tensor;
}

namespace model_server::tiny_chat {

/// Muon for the matrices inside the layers (momentum, made orthogonal, so that
/// rare directions learn as fast as frequent ones) and AdamW for the rest.
class optimizer {
public:
  /// Weight decay holds for `matrices` and `tables`, not for `vectors`.
  optimizer(const std::vector<at::Tensor>& matrices,
            const std::vector<at::Tensor>& tables,
            const std::vector<at::Tensor>& vectors);
  ~optimizer();

  /// Takes one step with the tensors' gradients at this learning rate.
  void step(double rate);

private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace model_server::tiny_chat
