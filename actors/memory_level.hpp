// How little memory is left, and what is given up for that.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

namespace model_server {

/// Each level does what those before it do as well.
enum class memory_level : std::uint8_t {
  plenty,
  /// Connections are closed after their answers.
  close_connections,
  /// Requests that are new are refused.
  refuse_requests,
  /// Of those that wait, the youngest are given up one by one.
  cancel_waiting,
};

/// For logs and figures.
std::string_view to_string(memory_level level);

/// What is kept free where the operator names nothing: 8 % of `total`, and not
/// more than 256 MiB, because what a request takes does not grow with the
/// machine, and models are chosen to fill it.
std::uint64_t usual_memory_reserve(std::uint64_t total);

/// The level at so many bytes left, of which `reserve` are to stay free: below
/// that requests are refused, below 15/8 of it connections are closed, and
/// below 3/8 of it what waits is cancelled, as 85, 92 and 97 % of the memory
/// would be. A level ends an eighth above where it began, or it would come and
/// go with every request.
memory_level memory_level_at(std::uint64_t left, std::uint64_t reserve,
                             memory_level before);

/// The last measure, for all threads.
struct memory_gauge {
  std::atomic<memory_level> level{memory_level::plenty};

  bool closes_connections() const {
    return level.load(std::memory_order_relaxed)
           >= memory_level::close_connections;
  }

  bool refuses_requests() const {
    return level.load(std::memory_order_relaxed)
           >= memory_level::refuse_requests;
  }
};

} // namespace model_server
