// One I/O thread with the connections that live on it.
#pragma once

#include "config/settings.hpp"
#include "http/wire_connection.hpp"

#include <asio.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <thread>

namespace model_server {

/// An event loop on a thread of its own. Kept alive by whoever still holds
/// something that belongs to it, so that a late answer never meets a loop that
/// is gone.
class io_loop {
public:
  io_loop(const http_settings& settings,
          std::shared_ptr<connection_totals> totals);
  ~io_loop();

  io_loop(const io_loop&) = delete;
  io_loop& operator=(const io_loop&) = delete;

  void start();

  /// Closes each connection after its next answer; from any thread.
  void retire() {
    connections_->is_retiring = true;
  }

  /// Closes idle connections, and the others after their answers.
  void drain();

  /// Ready when the last connection is closed, after `drain`.
  std::future<void>& drained() {
    return drained_future_;
  }

  /// Cuts every connection off and ends the thread.
  void stop();

  asio::io_context& context() {
    return context_;
  }

  const std::shared_ptr<connection_group>& connections() {
    return connections_;
  }

private:
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::shared_ptr<connection_group> connections_;
  std::promise<void> drained_;
  std::future<void> drained_future_;
  std::promise<void> finished_;
  std::thread thread_;
};

} // namespace model_server
