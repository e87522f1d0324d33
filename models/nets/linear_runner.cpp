// Runs the products of a pass, whatever form their matrices have.
#include "models/nets/linear_runner.hpp"

#include <algorithm>
#include <vector>

namespace model_server {

namespace {

// About as many bytes of plain weights as one task reads: they stay in a core's
// cache while the rows pass by.
constexpr std::size_t task_bytes = 48 * 1024;

// Outputs of a task, a multiple of this: the kernels' tiles fit into it.
constexpr std::size_t output_step = 24;

std::size_t outputs_of_task(const matrix_view& weight) {
  auto outputs = task_bytes / (weight.columns * size_of(weight.format));
  return std::max(outputs / output_step, std::size_t{1}) * output_step;
}

} // namespace

bool linear_runner::share_input(const linear_weights& a,
                                const linear_weights& b) {
  if (a.packed && b.packed)
    return is_quantized(a.packed->format) == is_quantized(b.packed->format);
  return !a.packed && !b.packed;
}

void linear_runner::begin(const linear_weights& like, const float* x,
                          std::size_t rows) {
  x_ = x;
  rows_ = rows;
  columns_ = like.inputs();
  is_packed_ = like.packed.has_value();
  if (is_packed_)
    packed_.reset(*kernels_.packed, like.packed->format, rows, columns_);
}

void linear_runner::prepare(std::size_t begin, std::size_t end) {
  if (is_packed_)
    kernels_.packed->prepare(x_, columns_, packed_, begin, end);
}

void linear_runner::set(thread_pool& pool, const linear_weights& like,
                        const float* x, std::size_t rows) {
  begin(like, x, rows);
  if (is_packed_)
    pool.run_rows(rows, [this](std::size_t begin, std::size_t end) {
      prepare(begin, end);
    });
}

std::size_t linear_runner::tasks_of(const linear_weights& weights,
                                    int threads) const {
  if (weights.packed)
    return model_server::tasks_of(*weights.packed, rows_, threads);
  auto step = outputs_of_task(weights.plain);
  return (weights.outputs() + step - 1) / step;
}

std::size_t linear_runner::first_output(const linear_weights& weights,
                                        std::size_t task,
                                        std::size_t tasks) const {
  auto first = weights.packed ? first_block(*weights.packed, task, tasks)
                                    * packed_block_rows
                              : task * outputs_of_task(weights.plain);
  return std::min(first, weights.outputs());
}

void linear_runner::multiply(const linear_job& job, std::size_t task,
                             std::size_t tasks) const {
  const auto& weights = *job.weights;
  if (weights.packed) {
    packed_product product{*weights.packed, weights.bias_or_null(), &packed_,
                           job.y,           job.y_stride,           job.adds};
    return kernels_.packed->multiply(
        product, first_block(*weights.packed, task, tasks),
        first_block(*weights.packed, task + 1, tasks));
  }
  product item{weights.plain, weights.bias_or_null(), x_,      rows_,
               job.y,         job.y_stride,           job.adds};
  kernels_.multiply(item, first_output(weights, task, tasks),
                    first_output(weights, task + 1, tasks));
}

void linear_runner::run(thread_pool& pool,
                        std::span<const linear_job> jobs) const {
  std::size_t count = 0;
  for (const auto& job : jobs)
    count += tasks_of(*job.weights, pool.size());
  pool.run(count, [&](std::size_t task) {
    for (const auto& job : jobs) {
      auto tasks = tasks_of(*job.weights, pool.size());
      if (task < tasks)
        return multiply(job, task, tasks);
      task -= tasks;
    }
  });
}

void linear_runner::run(
    thread_pool& pool, std::span<const linear_job> jobs,
    const std::function<void(std::size_t, std::size_t)>& after) const {
  const auto& shape = *jobs.front().weights;
  auto tasks = tasks_of(shape, pool.size());
  pool.run(tasks, [&](std::size_t task) {
    for (const auto& job : jobs)
      multiply(job, task, tasks);
    after(first_output(shape, task, tasks),
          first_output(shape, task + 1, tasks));
  });
}

} // namespace model_server
