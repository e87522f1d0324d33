// Keeps track of which input stands ready in the runner.
#include "models/nets/pass_products.hpp"

#include <array>
#include <utility>

namespace model_server {

void pass_products::fill_input(
    const linear_weights& next, const float* x, std::size_t rows,
    const std::function<void(std::size_t, std::size_t)>& fill) {
  linear_.begin(next, x, rows);
  pool_->run_rows(rows, [&](std::size_t begin, std::size_t end) {
    fill(begin, end);
    linear_.prepare(begin, end);
  });
  ready_x_ = x;
  ready_for_ = &next;
}

void pass_products::set_input(const linear_weights& like, const float* x,
                              std::size_t rows) {
  auto is_ready = std::exchange(ready_x_, nullptr) == x && ready_for_ == &like;
  if (!is_ready)
    linear_.set(*pool_, like, x, rows);
}

void pass_products::multiply(const linear_weights& weights, const float* x,
                             std::size_t rows, float* y) {
  run(std::array{linear_job{&weights, y, weights.outputs()}}, x, rows);
}

void pass_products::run(std::span<const linear_job> jobs, const float* x,
                        std::size_t rows) {
  while (!jobs.empty()) {
    auto& first = *jobs.front().weights;
    std::size_t count = 1;
    while (count < jobs.size()
           && linear_runner::share_input(first, *jobs[count].weights))
      ++count;
    set_input(first, x, rows);
    linear_.run(*pool_, jobs.first(count));
    jobs = jobs.subspan(count);
  }
}

void pass_products::run(
    std::span<const linear_job> jobs, const float* x, std::size_t rows,
    const std::function<void(std::size_t, std::size_t)>& after) {
  set_input(*jobs.front().weights, x, rows);
  linear_.run(*pool_, jobs, after);
}

} // namespace model_server
