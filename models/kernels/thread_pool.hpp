// Threads that share out the tasks of one loop after the other.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace model_server {

/// A few threads for loops that last microseconds: a waiting thread looks for
/// work for a short while before it sleeps. One caller at a time, who works
/// too.
class thread_pool {
public:
  /// `threads` counts the caller; at least 1. Never more than the cores that
  /// this process may use.
  explicit thread_pool(int threads);
  ~thread_pool();

  /// Threads that take tasks, with the caller.
  int size() const;

  /// Calls `task(i)` once for each i below `count`, on any thread, and returns
  /// when all are done. `count` is at most `most_tasks`. Tasks must not throw.
  template <class Task>
  void run(std::size_t count, const Task& task) {
    run(count, &task, [](const void* context, std::size_t index) {
      (*static_cast<const Task*>(context))(index);
    });
  }

  /// Calls `task(begin, end)` for `count` rows, of which a few are worth a task.
  template <class Task>
  void run_rows(std::size_t count, const Task& task) {
    constexpr std::size_t step = 8;
    run((count + step - 1) / step, [&](std::size_t index) {
      task(index * step, std::min(count, (index + 1) * step));
    });
  }

  static constexpr std::size_t most_tasks = (1u << 20) - 1;

private:
  using function = void (*)(const void* context, std::size_t index);
  struct shared;

  void run(std::size_t count, const void* context, function call);

  std::unique_ptr<shared> shared_;
};

} // namespace model_server
