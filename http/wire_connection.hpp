// One client's connection: what RESTinio reads through, and what it can't see.
#pragma once

#include "actors/memory_level.hpp"
#include "http/address_counts.hpp"
#include "http/exchange.hpp"
#include "http/request_guard.hpp"
#include "http/wire_stream.hpp"

#include <asio.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>

namespace model_server {

class wire_connection;

/// What the connections of all I/O threads have in common.
struct connection_totals {
  std::atomic<std::size_t> connections{0};
  address_counts clients;
  /// Never null.
  std::shared_ptr<const memory_gauge> memory = std::make_shared<memory_gauge>();
  /// Of requests that are being received or answered.
  std::atomic<std::size_t> body_bytes{0};
};

/// The connections of one I/O thread, and what they share. Confined to that
/// thread, but for the totals.
struct connection_group {
  request_limits limits;
  std::size_t max_all_body_bytes = 0;
  /// For one request, from its first byte to its last.
  std::chrono::milliseconds read_timeout{};
  std::shared_ptr<connection_totals> totals;
  std::unordered_set<std::shared_ptr<wire_connection>> members;
  /// Read by answers on other threads too. No new requests: a connection is
  /// closed when its answer has been sent.
  std::atomic<bool> is_draining{false};
  /// Likewise; requests are still taken, each as the last of its connection.
  std::atomic<bool> is_retiring{false};
  /// Called when the last member has left.
  std::function<void()> emptied;
};

/// A connection from accept to close, on one I/O thread. Reads by itself, so
/// that it notices a client's leaving at any time, lets the guard check
/// every byte, and has the last word when RESTinio would close in silence.
class wire_connection : public std::enable_shared_from_this<wire_connection> {
public:
  using read_handler = std::function<void(const std::error_code&, std::size_t)>;

  /// `client` as `client_network` has it. From any thread; the rest is for that
  /// of the group.
  wire_connection(wire_stream stream, const asio::ip::address& client,
                  std::shared_ptr<connection_group> group);
  ~wire_connection();

  wire_connection(const wire_connection&) = delete;
  wire_connection& operator=(const wire_connection&) = delete;

  /// Joins its group and sets the options of the socket; before anything else.
  void start();

  /// RESTinio wants bytes; the handler gets approved ones only.
  void read(asio::mutable_buffer target, read_handler handler);

  /// The request handler has the request.
  void note_dispatched();

  /// RESTinio writes: from now on no last word may follow.
  void note_answer_begun();

  /// RESTinio closes, for whatever reason.
  void close();

  /// Closes as soon as the I/O thread comes to it; from any thread.
  void abandon();

  /// Says why and closes.
  void refuse(const error_reply& reason);

  /// The same, as soon as the client can read it: after the handshake of TLS
  /// when its first bytes come.
  void refuse_when_heard(const error_reply& reason);

  /// Closes if no request is under way, else after its answer.
  void drain();

  /// Closes without a word.
  void cut_off();

  /// Whom to tell when the client leaves before its answer is complete.
  void on_departure(std::function<void()> handler);

  wire_stream& stream() {
    return stream_;
  }

  bool is_open() const {
    return state_ == state::open;
  }

  const request_guard& guard() const {
    return guard_;
  }

  /// The answer under way is to say that no other will come here.
  bool has_last_answer() const {
    return group_->is_draining || group_->is_retiring
           || group_->totals->memory->closes_connections();
  }

private:
  enum class state { open, lingering, closed };

  asio::ip::tcp::socket& socket() {
    return stream_.socket();
  }

  void await_readable();
  void on_readable();
  void poll_departure();
  void received(std::string_view bytes);
  std::optional<error_reply> count_body();
  void forget_body();
  void deliver();
  void complete_read(const std::error_code& reason, std::size_t size);
  void on_client_gone(const std::error_code& reason);
  void depart();
  std::optional<error_reply> last_words() const;
  void linger();
  void discard();
  void abort_read();
  void leave_group();

  wire_stream stream_;
  const asio::ip::address client_;
  asio::steady_timer timer_;
  std::shared_ptr<connection_group> group_;
  request_guard guard_;
  state state_ = state::open;
  std::optional<error_reply> unwelcome_;
  /// Received, not yet seen by the guard.
  std::string pending_;
  /// Approved, not yet given to RESTinio.
  std::string approved_;
  /// Bytes of the current request's body in the common count.
  std::size_t counted_body_ = 0;
  asio::mutable_buffer target_;
  read_handler handler_;
  std::function<void()> on_departure_;
  /// A wait for bytes is under way.
  bool is_waiting_ = false;
  /// RESTinio has the whole request and has not asked for another one.
  bool is_answering_ = false;
  bool is_dispatched_ = false;
  bool is_answer_begun_ = false;
  /// RESTinio is parsing what it was just given.
  bool is_delivering_ = false;
  bool is_client_gone_ = false;
  std::chrono::steady_clock::time_point linger_until_;
};

/// What RESTinio takes for a socket: it owns the connection and forwards.
class wire_socket {
public:
  using executor_type = asio::ip::tcp::socket::executor_type;
  using lowest_layer_type = asio::ip::tcp::socket::lowest_layer_type;

  explicit wire_socket(std::shared_ptr<wire_connection> connection)
      : connection_(std::move(connection)) {
    // nop
  }

  wire_socket(wire_socket&&) = default;
  wire_socket& operator=(wire_socket&&) = delete;

  ~wire_socket() {
    if (connection_)
      connection_->abandon();
  }

  executor_type get_executor() {
    return connection_->stream().socket().get_executor();
  }

  lowest_layer_type& lowest_layer() {
    return connection_->stream().socket().lowest_layer();
  }

  bool is_open() const {
    return connection_->is_open();
  }

  /// RESTinio stops reading before its last write; we go on watching.
  void cancel(std::error_code& ec) {
    ec = {};
  }

  /// Always followed by `close`.
  void shutdown(asio::socket_base::shutdown_type, std::error_code& ec) {
    ec = {};
  }

  void close() {
    connection_->close();
  }

  template <class Handler>
  void async_read_some(asio::mutable_buffer target, Handler&& handler) {
    connection_->read(target, std::forward<Handler>(handler));
  }

  template <class Buffers, class Handler>
  void async_write_some(const Buffers& buffers, Handler&& handler) {
    connection_->note_answer_begun();
    connection_->stream().async_write_some(buffers,
                                           std::forward<Handler>(handler));
  }

private:
  std::shared_ptr<wire_connection> connection_;
};

} // namespace model_server
