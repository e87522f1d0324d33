// Divides the cores of the machine among the models that compute on them.
#include "actors/thread_budget.hpp"

#include <algorithm>
#include <utility>

namespace model_server {

thread_budget::thread_budget(unsigned cores, std::shared_ptr<counter> computing)
    : cores_(std::max(cores, 1U)), computing_(std::move(computing)) {
}

unsigned thread_budget::share() const {
  auto computing = std::max(computing_->load(std::memory_order_relaxed), 1U);
  return std::max(cores_ / computing, 1U);
}

thread_share::thread_share(std::shared_ptr<thread_budget> budget)
    : budget_(std::move(budget)) {
}

thread_share::thread_share(thread_share&& other) noexcept
    : budget_(std::move(other.budget_)),
      held_(std::exchange(other.held_, false)) {
}

thread_share& thread_share::operator=(thread_share&& other) noexcept {
  std::swap(budget_, other.budget_);
  std::swap(held_, other.held_);
  return *this;
}

thread_share::~thread_share() {
  release();
}

unsigned thread_share::hold() {
  if (!budget_)
    return 0;
  if (!held_)
    budget_->computing_->fetch_add(1, std::memory_order_relaxed);
  held_ = true;
  return budget_->share();
}

void thread_share::release() {
  if (held_)
    budget_->computing_->fetch_sub(1, std::memory_order_relaxed);
  held_ = false;
}

} // namespace model_server
