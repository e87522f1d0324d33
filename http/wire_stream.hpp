// What the bytes of a connection go through: its socket, or TLS over it.
#pragma once

#include "http/tls_context.hpp"

#include <asio.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace model_server {

/// A socket that never blocks, with or without TLS. The handshake happens
/// within the first reads. Its process must ignore SIGPIPE: OpenSSL writes
/// without a word about that.
class wire_stream {
public:
  /// Most bytes of one TLS record, so that a read into as many leaves none
  /// behind that no wait would tell of.
  static constexpr std::size_t record_bytes = 16'384;

  using write_handler =
      std::function<void(const std::error_code&, std::size_t)>;

  /// Without a context what is written and read goes over the wire as it is.
  explicit wire_stream(asio::ip::tcp::socket socket,
                       const tls_context* tls = nullptr);

  asio::ip::tcp::socket& socket() {
    return socket_;
  }

  bool has_tls() const {
    return tls_ != nullptr;
  }

  /// Reads what is there into a buffer of `record_bytes` or more. `would_block`
  /// if there is nothing, `eof` at the end, and `protocol_not_supported` for a
  /// client that doesn't know of TLS and speaks HTTP; such a one is answered
  /// without TLS from then on.
  std::size_t read_some(asio::mutable_buffer to, std::error_code& ec);

  /// What to wait for before the next read.
  asio::socket_base::wait_type next_wait() const {
    return next_wait_;
  }

  /// Writes some of the buffers, in its own time. The handler keeps this alive.
  template <class Buffers, class Handler>
  void async_write_some(const Buffers& buffers, Handler&& handler) {
    if (!has_tls()) {
      socket_.async_write_some(buffers, std::forward<Handler>(handler));
      return;
    }
    outgoing_.resize(std::min(asio::buffer_size(buffers), record_bytes));
    asio::buffer_copy(asio::buffer(outgoing_), buffers);
    write_outgoing(std::forward<Handler>(handler));
  }

  /// Sends as much of a short text as can be sent now.
  void send_at_once(std::string_view text);

  /// Tells the client that nothing more will come.
  void end_sending();

private:
  std::size_t read_tls(asio::mutable_buffer to, std::error_code& ec);
  void write_outgoing(write_handler handler);
  bool can_send() const;

  asio::ip::tcp::socket socket_;
  tls_session tls_;
  asio::socket_base::wait_type next_wait_ = asio::socket_base::wait_read;
  /// Being encrypted; stays as it is until it is written.
  std::string outgoing_;
  /// After an error OpenSSL can't use the session any more.
  bool is_broken_ = false;
};

} // namespace model_server
