// A network between two processes that a test can cut and heal.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

namespace model_server {

/// Passes bytes on between whoever connects here and a port of this machine.
/// While it is cut nothing passes, and no side is told: as when a cable is
/// pulled.
class tcp_proxy {
public:
  explicit tcp_proxy(std::uint16_t target);
  ~tcp_proxy();

  tcp_proxy(const tcp_proxy&) = delete;
  tcp_proxy& operator=(const tcp_proxy&) = delete;

  std::uint16_t port() const {
    return port_;
  }

  void cut() {
    is_cut_ = true;
  }

  void heal() {
    is_cut_ = false;
  }

  /// From now on whatever passes takes so long, in either direction.
  void slow_down(std::chrono::milliseconds by) {
    delay_ms_ = static_cast<int>(by.count());
  }

private:
  void run();

  std::uint16_t target_;
  std::uint16_t port_ = 0;
  int listener_ = -1;
  std::atomic<bool> is_cut_ = false;
  std::atomic<int> delay_ms_ = 0;
  std::atomic<bool> is_over_ = false;
  std::thread thread_;
};

} // namespace model_server
