// What a worker leaves behind for those who look after its end.
#include "actors/worker_page.hpp"

#include <algorithm>

namespace model_server {

void worker_page::enter(std::span<const step_place> batch, time_point now,
                        std::chrono::nanoseconds usual) {
  auto count = std::min(batch.size(), batch_.size());
  std::copy_n(batch.begin(), count, batch_.begin());
  count_.store(static_cast<std::uint32_t>(count), std::memory_order_release);
  usual_step_.store(usual.count(), std::memory_order_relaxed);
  since_.store(now.time_since_epoch().count(), std::memory_order_release);
}

void worker_page::leave() {
  count_.store(0, std::memory_order_release);
  since_.store(0, std::memory_order_release);
}

std::optional<worker_page::running_step> worker_page::running() const {
  auto since = since_.load(std::memory_order_acquire);
  if (since <= 0)
    return std::nullopt;
  return running_step{
      time_point{time_point::duration{since}},
      std::chrono::nanoseconds{usual_step_.load(std::memory_order_relaxed)}};
}

std::vector<step_place> worker_page::batch() const {
  auto count = std::min<std::size_t>(count_.load(std::memory_order_acquire),
                                     batch_.size());
  auto end = batch_.begin() + static_cast<std::ptrdiff_t>(count);
  return {batch_.begin(), end};
}

void worker_page::write_last_words(std::string_view words) {
  auto size = std::min(words.size(), words_.size());
  std::copy_n(words.begin(), size, words_.begin());
  words_size_.store(static_cast<std::uint32_t>(size),
                    std::memory_order_release);
}

std::string worker_page::last_words() const {
  auto size = std::min<std::size_t>(words_size_.load(std::memory_order_acquire),
                                    words_.size());
  return {words_.data(), size};
}

} // namespace model_server
