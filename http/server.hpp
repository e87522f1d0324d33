// Listens, serves connections on its own threads, and stops in good order.
#pragma once

#include "actors/memory_level.hpp"
#include "config/settings.hpp"
#include "http/exchange.hpp"

#include <chrono>
#include <cstdint>
#include <memory>

namespace model_server {

/// The HTTP door. Hands every complete request to the handler, on one of its
/// I/O threads; whatever is no such request is answered here.
class http_server {
public:
  /// Listens and accepts at once; throws `config_error` if the address or the
  /// files of TLS can't be used, and `std::runtime_error` if somebody else has
  /// the port. With TLS the process must ignore SIGPIPE.
  /// Given a socket that listens already it goes on with that, and accepts from
  /// `accept` on.
  /// `memory` may close connections after their answers; never null.
  http_server(const http_settings& settings, request_handler handler,
              int given_socket = -1,
              std::shared_ptr<const memory_gauge> memory =
                  std::make_shared<memory_gauge>());

  /// Stops at once, with answers still under way cut off.
  ~http_server();

  http_server(const http_server&) = delete;
  http_server& operator=(const http_server&) = delete;

  /// Reads the files of TLS again, for new connections; does nothing without
  /// TLS. Throws `config_error`, and then the old ones stay.
  void reload_certificate();

  /// The port in use, also when the system chose it.
  std::uint16_t port() const;

  /// The listening socket, for a process that is to follow this one.
  int listening_socket();

  /// Begins to take connections from a given socket.
  void accept();

  /// Accepts no more connections: another process does. Requests on those that
  /// are open are still taken, and each is closed after its answer.
  void retire();

  /// Accepts no more connections and closes those that are idle; the others
  /// when their answer has been sent.
  void drain();

  /// Waits until every connection is closed; false if that takes too long.
  /// After `drain` only.
  bool wait_until_closed(std::chrono::milliseconds limit);

private:
  class impl;
  std::unique_ptr<impl> impl_;
};

} // namespace model_server
