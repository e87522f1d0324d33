// Runs the products of a pass, whatever form their matrices have.
#pragma once

#include "models/kernels/thread_pool.hpp"
#include "models/nets/linear_weights.hpp"

#include <cstddef>
#include <functional>
#include <span>

namespace model_server {

/// y = x times a matrix, plus its bias.
struct linear_job {
  const linear_weights* weights = nullptr;
  float* y = nullptr; // [rows, outputs], `y_stride` numbers apart
  std::size_t y_stride = 0;
  /// Adds to what stands in y.
  bool adds = false;
};

/// The products of one input after the other. A result does not depend on the
/// other rows or on the threads.
///
/// First `begin`, then `prepare` for each row as soon as it is known, or `set`
/// where all of them are; then products with that input.
class linear_runner {
public:
  explicit linear_runner(const kernel_set& kernels) : kernels_(kernels) {
  }

  /// Whether products with both take an input that is prepared for one.
  static bool share_input(const linear_weights& a, const linear_weights& b);

  /// The next input: `rows` rows for matrices of this form and width. x is
  /// [rows, inputs] and stays as it is until the last product.
  void begin(const linear_weights& like, const float* x, std::size_t rows);

  /// The rows `begin` to `end` of x are known. Any thread, different rows.
  void prepare(std::size_t begin, std::size_t end);

  /// The next input, with all of its rows.
  void set(thread_pool& pool, const linear_weights& like, const float* x,
           std::size_t rows);

  /// All of these products.
  void run(thread_pool& pool, std::span<const linear_job> jobs) const;

  /// The same for matrices of one shape; calls `after` with a range of outputs
  /// when these are there for all of them, on any thread.
  void run(thread_pool& pool, std::span<const linear_job> jobs,
           const std::function<void(std::size_t begin, std::size_t end)>& after)
      const;

private:
  std::size_t tasks_of(const linear_weights& weights, int threads) const;
  std::size_t first_output(const linear_weights& weights, std::size_t task,
                           std::size_t tasks) const;
  void multiply(const linear_job& job, std::size_t task,
                std::size_t tasks) const;

  const kernel_set& kernels_;
  packed_input packed_;
  bool is_packed_ = false;
  const float* x_ = nullptr;
  std::size_t rows_ = 0;
  std::size_t columns_ = 0;
};

} // namespace model_server
