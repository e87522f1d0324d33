// What a worker leaves behind for those who look after its end.
#pragma once

#include "actors/messages.hpp"
#include "config/settings.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// Lies in memory that outlives the worker, shared with its node if that is
/// another process. The worker writes it as it goes, with plain stores that
/// cost nothing; the node reads it from time to time, and when the worker is
/// gone. Nothing in it is trusted: a worker that breaks may write anything
/// anywhere.
class worker_page {
public:
  /// Of the machine's clock, which all its processes share.
  using time_point = std::chrono::steady_clock::time_point;

  /// These replies are in the step, or in the encoding, that begins now.
  /// `usual` is what such a step takes as a rule; 0 if that is not known.
  void enter(std::span<const step_place> batch, time_point now,
             std::chrono::nanoseconds usual = {});

  /// It is over.
  void leave();

  struct running_step {
    time_point since;
    std::chrono::nanoseconds usual;
  };

  /// The step or encoding that is not over; nothing between steps.
  std::optional<running_step> running() const;

  /// The replies of the step that was never over; empty between steps.
  std::vector<step_place> batch() const;

  /// Why the worker ends, as far as it can still tell; cut to fit.
  void write_last_words(std::string_view words);
  std::string last_words() const;

  /// The worker computes and counts as a user of the machine's cores.
  std::atomic<bool> is_computing = false;

private:
  std::atomic<std::uint32_t> count_ = 0;
  std::array<step_place, max_batch_size> batch_{};
  /// 0 between steps.
  std::atomic<time_point::rep> since_ = 0;
  std::atomic<std::chrono::nanoseconds::rep> usual_step_ = 0;
  std::atomic<std::uint32_t> words_size_ = 0;
  std::array<char, 1000> words_{};
};

} // namespace model_server
