// How far a worker may run ahead of a client.
#include "actors/credit_window.hpp"

#include <algorithm>
#include <limits>

namespace model_server {

credit_window::credit_window(std::uint32_t ahead, bool is_bounded)
    : ahead_(std::max(ahead, 1U)), is_bounded_(is_bounded) {
}

void credit_window::made(std::uint64_t number) {
  made_ = std::max(made_, number);
}

void credit_window::wrote(std::uint64_t number) {
  written_ = std::max(written_, number);
}

void credit_window::taken(std::uint64_t number) {
  taken_ = std::min(std::max(taken_, number), made_);
}

std::uint64_t credit_window::up_to() const {
  if (!is_bounded_)
    return std::numeric_limits<std::uint64_t>::max();
  return (taken_ >= written_ ? made_ : taken_) + ahead_;
}

std::uint64_t credit_window::grant() {
  told_ = std::max(told_, up_to());
  return told_;
}

std::optional<std::uint64_t> credit_window::raise() {
  auto enough = std::max(ahead_ / 2, 1U);
  if (up_to() < told_ || up_to() - told_ < enough)
    return std::nullopt;
  return grant();
}

} // namespace model_server
