// Accepts connections and goes on accepting whatever happens.
#pragma once

#include "config/settings.hpp"

#include <asio.hpp>

#include <cstdint>
#include <functional>
#include <memory>

namespace model_server {

/// A listening socket that is never left without an accept under way. When the
/// process has no descriptor left it gives up a spare one for a moment, so that
/// each client waiting gets an answer at once instead of none.
class listener : public std::enable_shared_from_this<listener> {
public:
  /// Chooses the loop that the next connection lives on.
  using loop_chooser = std::function<asio::io_context&()>;
  using accept_handler = std::function<void(asio::ip::tcp::socket)>;
  /// Takes the client that came while there was no descriptor: answers and
  /// forgets it.
  using refuse_handler = std::function<void(asio::ip::tcp::socket&)>;

  /// Binds and listens, or goes on with a socket that listens already, if
  /// `given` is not -1. Throws `config_error` if the address is none, and
  /// `std::runtime_error` if it can't be had now.
  listener(asio::io_context& context, const http_settings& settings,
           int given = -1);
  ~listener();

  void start(loop_chooser choose, accept_handler accepted,
             refuse_handler refused);

  /// On the context's thread.
  void close();

  std::uint16_t port() const;

  /// For another process to go on with.
  int native_handle() {
    return acceptor_.native_handle();
  }

private:
  void bind(const http_settings& settings);
  void adopt(int socket);
  void accept_next();
  void on_accept_error(const std::error_code& reason);
  void refuse_waiting();

  asio::io_context& context_;
  asio::ip::tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  loop_chooser choose_;
  accept_handler accepted_;
  refuse_handler refused_;
  std::uint16_t port_ = 0;
  /// A descriptor kept for the time when there is none.
  int spare_ = -1;
  bool is_starved_ = false;
};

} // namespace model_server
