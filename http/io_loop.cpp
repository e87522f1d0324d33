// Runs an event loop and ends it.
#include "http/io_loop.hpp"

#include "config/logging.hpp"

#include <chrono>
#include <vector>

namespace model_server {

namespace {

/// How long connections that are cut off may take to be gone.
constexpr auto stop_patience = std::chrono::milliseconds{500};

} // namespace

io_loop::io_loop(const http_settings& settings,
                 std::shared_ptr<connection_totals> totals)
    : work_(asio::make_work_guard(context_)),
      connections_(std::make_shared<connection_group>()),
      drained_future_(drained_.get_future()) {
  connections_->limits.body_bytes = settings.max_body_bytes;
  connections_->max_all_body_bytes = settings.max_all_body_bytes;
  connections_->read_timeout = settings.read_timeout;
  connections_->totals = std::move(totals);
}

io_loop::~io_loop() {
  stop();
}

void io_loop::start() {
  thread_ = std::thread{[this] {
    for (;;) {
      try {
        context_.run();
        finished_.set_value();
        return;
      } catch (const std::exception& e) {
        log_event(log_level::error, "io_handler_failed",
                  {{"reason", e.what()}});
      }
    }
  }};
}

void io_loop::drain() {
  asio::post(context_, [this] {
    connections_->is_draining = true;
    // Those that close leave the set meanwhile.
    std::vector members(connections_->members.begin(),
                        connections_->members.end());
    for (const auto& connection : members)
      connection->drain();
    if (connections_->members.empty())
      drained_.set_value();
    else
      connections_->emptied = [this] { drained_.set_value(); };
  });
}

void io_loop::stop() {
  if (!thread_.joinable())
    return;
  std::promise<void> closed;
  asio::post(context_, [&] {
    std::vector members(connections_->members.begin(),
                        connections_->members.end());
    for (const auto& connection : members)
      connection->cut_off();
    closed.set_value();
  });
  closed.get_future().wait();
  work_.reset();
  // Lets what was aborted be handled; an answer that someone still holds keeps
  // its connection's timer, so the loop may not run dry by itself.
  if (finished_.get_future().wait_for(stop_patience)
      != std::future_status::ready)
    context_.stop();
  thread_.join();
}

} // namespace model_server
