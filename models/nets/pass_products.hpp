// The threads of a pass and the products that they run.
#pragma once

#include "models/kernels/thread_pool.hpp"
#include "models/nets/linear_runner.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <span>

namespace model_server {

/// Products in whatever order a network wants them. An input that was made
/// ready while it was computed is not made ready again. One thread calls.
class pass_products {
public:
  explicit pass_products(const kernel_set& kernels) : linear_(kernels) {
  }

  void use_threads(int count) {
    pool_ = std::make_unique<thread_pool>(count);
  }

  thread_pool& pool() {
    return *pool_;
  }

  /// Computes x [rows, inputs] by `fill`, which gets ranges of rows on all
  /// threads, and makes it ready for a product with a matrix like `next`.
  void fill_input(
      const linear_weights& next, const float* x, std::size_t rows,
      const std::function<void(std::size_t begin, std::size_t end)>& fill);

  /// y = x times one matrix, [rows, outputs].
  void multiply(const linear_weights& weights, const float* x, std::size_t rows,
                float* y);

  /// Products of one input; those that take it in the same form side by side.
  void run(std::span<const linear_job> jobs, const float* x, std::size_t rows);

  /// Products of one input and one shape; `after` hears of ranges of outputs
  /// that all of them have, on any thread.
  void
  run(std::span<const linear_job> jobs, const float* x, std::size_t rows,
      const std::function<void(std::size_t begin, std::size_t end)>& after);

private:
  /// The input of the products that follow, all with matrices like this one.
  void set_input(const linear_weights& like, const float* x, std::size_t rows);

  linear_runner linear_;
  std::unique_ptr<thread_pool> pool_ = std::make_unique<thread_pool>(1);
  // What `fill_input` made ready, until the next input.
  const float* ready_x_ = nullptr;
  const linear_weights* ready_for_ = nullptr;
};

} // namespace model_server
