// Reads and writes without waiting, in the clear or with OpenSSL.
#include "http/wire_stream.hpp"

#include <openssl/err.h>

#include <sys/socket.h>

namespace model_server {

wire_stream::wire_stream(asio::ip::tcp::socket socket, const tls_context* tls)
    : socket_(std::move(socket)) {
  std::error_code ignored;
  socket_.non_blocking(true, ignored);
  if (tls != nullptr)
    tls_ = tls->new_session(socket_.native_handle());
}

std::size_t wire_stream::read_some(asio::mutable_buffer to,
                                   std::error_code& ec) {
  return has_tls() ? read_tls(to, ec) : socket_.read_some(to, ec);
}

std::size_t wire_stream::read_tls(asio::mutable_buffer to,
                                  std::error_code& ec) {
  // Each thread has one list of errors, and an old one would count for new.
  ERR_clear_error();
  std::size_t size = 0;
  ec = {};
  if (SSL_read_ex(tls_.get(), to.data(), to.size(), &size) == 1) {
    next_wait_ = asio::socket_base::wait_read;
    return size;
  }
  switch (SSL_get_error(tls_.get(), 0)) {
  case SSL_ERROR_WANT_READ:
    next_wait_ = asio::socket_base::wait_read;
    ec = asio::error::would_block;
    return 0;
  case SSL_ERROR_WANT_WRITE:
    next_wait_ = asio::socket_base::wait_write;
    ec = asio::error::would_block;
    return 0;
  case SSL_ERROR_ZERO_RETURN:
    ec = asio::error::eof;
    return 0;
  default:
    break;
  }
  if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST) {
    tls_.reset();
    ec = std::make_error_code(std::errc::protocol_not_supported);
  } else {
    is_broken_ = true;
    ec = asio::error::eof;
  }
  return 0;
}

void wire_stream::write_outgoing(write_handler handler) {
  ERR_clear_error();
  std::size_t size = 0;
  std::error_code ec;
  if (!can_send()) {
    ec = asio::error::not_connected;
  } else if (SSL_write_ex(tls_.get(), outgoing_.data(), outgoing_.size(), &size)
             != 1) {
    if (SSL_get_error(tls_.get(), 0) == SSL_ERROR_WANT_WRITE)
      return socket_.async_wait(
          asio::socket_base::wait_write,
          [this, handler = std::move(handler)](const std::error_code& problem) {
            if (problem)
              handler(problem, 0);
            else
              write_outgoing(handler);
          });
    is_broken_ = true;
    ec = asio::error::connection_reset;
  }
  asio::post(socket_.get_executor(),
             [handler = std::move(handler), ec, size] { handler(ec, size); });
}

void wire_stream::send_at_once(std::string_view text) {
  if (!has_tls()) {
    ::send(socket_.native_handle(), text.data(), text.size(),
           MSG_DONTWAIT | MSG_NOSIGNAL);
  } else if (can_send()) {
    ERR_clear_error();
    std::size_t ignored = 0;
    SSL_write_ex(tls_.get(), text.data(), text.size(), &ignored);
  }
}

void wire_stream::end_sending() {
  if (has_tls() && can_send()
      && (SSL_get_shutdown(tls_.get()) & SSL_SENT_SHUTDOWN) == 0) {
    ERR_clear_error();
    SSL_shutdown(tls_.get());
  }
  std::error_code ignored;
  socket_.shutdown(asio::socket_base::shutdown_send, ignored);
}

bool wire_stream::can_send() const {
  return socket_.is_open() && !is_broken_ && SSL_is_init_finished(tls_.get());
}

} // namespace model_server
