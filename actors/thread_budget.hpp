// Divides the cores of the machine among the models that compute on them.
#pragma once

#include <atomic>
#include <memory>

namespace model_server {

/// The cores that all models of this machine share. Shared by the workers that
/// compute on the CPU, which may be processes; safe from any thread, never
/// blocks.
class thread_budget {
public:
  using counter = std::atomic<unsigned>;

  /// `computing` counts the workers that compute now, in all processes.
  explicit thread_budget(unsigned cores, std::shared_ptr<counter> computing =
                                             std::make_shared<counter>(0));

  /// How many threads each of the workers that are computing now may use: an
  /// equal part, and at least one. A worker that finds its part smaller than
  /// before keeps to it from its next step on.
  unsigned share() const;

  unsigned cores() const {
    return cores_;
  }

private:
  friend class thread_share;
  unsigned cores_;
  std::shared_ptr<counter> computing_;
};

/// One worker's part of the budget; counts while it is held.
class thread_share {
public:
  /// Takes no part yet. `budget` may be null: then there is nothing to share.
  explicit thread_share(std::shared_ptr<thread_budget> budget = nullptr);
  thread_share(thread_share&& other) noexcept;
  thread_share& operator=(thread_share&& other) noexcept;
  ~thread_share();

  /// Takes part and returns the number of threads to use; 0 without a budget.
  unsigned hold();

  /// Leaves the cores to others.
  void release();

private:
  std::shared_ptr<thread_budget> budget_;
  bool held_ = false;
};

} // namespace model_server
