// Reads, watches and closes one connection.
#include "http/wire_connection.hpp"

#include "config/logging.hpp"
#include "config/option_values.hpp"
#include "http/request_id.hpp"

#include <fmt/format.h>

#include <poll.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace model_server {

namespace {

using namespace std::chrono_literals;

/// Bytes behind a request in progress that are read ahead, so that the end of
/// the stream behind them is seen.
constexpr std::size_t read_ahead_bytes = 65'536;

/// How often a client that sent more than that is looked after.
constexpr auto departure_poll = 50ms;

/// How long, and how long after its last byte, a refused client may go on
/// sending: closing earlier would reset the connection and could take the
/// answer away from it.
constexpr auto linger_at_most = 10s;
constexpr auto linger_silence = 2s;

/// Bytes that the kernel may hold for a client that doesn't read.
constexpr int unsent_low_water = 16'384;

} // namespace

wire_connection::wire_connection(wire_stream stream,
                                 const asio::ip::address& client,
                                 std::shared_ptr<connection_group> group)
    : stream_(std::move(stream)),
      client_(client),
      timer_(socket().get_executor()),
      group_(std::move(group)),
      guard_(group_->limits) {
  ++group_->totals->connections;
  group_->totals->clients.enter(client_);
}

wire_connection::~wire_connection() {
  forget_body();
  --group_->totals->connections;
  group_->totals->clients.leave(client_);
}

void wire_connection::start() {
  group_->members.insert(shared_from_this());
  std::error_code ignored;
  socket().set_option(asio::ip::tcp::no_delay{true}, ignored);
  // Without it the kernel takes megabytes that the client may never read, and
  // "written" would say little about the client.
  setsockopt(socket().native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT,
             &unsent_low_water, sizeof unsent_low_water);
}

// -- RESTinio's side ----------------------------------------------------------

void wire_connection::read(asio::mutable_buffer target, read_handler handler) {
  target_ = target;
  handler_ = std::move(handler);
  if (is_answering_) {
    // It asks for the next request: the answer to the last one is written.
    is_answering_ = false;
    is_dispatched_ = false;
    is_answer_begun_ = false;
    on_departure_ = nullptr;
    forget_body();
    guard_.next();
  }
  auto has_nothing_to_say = pending_.empty() && approved_.empty()
                            && !guard_.refusal() && !is_client_gone_
                            && !group_->is_draining;
  if (has_nothing_to_say)
    return await_readable();
  // A handler is never called from within the call that brought it.
  asio::post(socket().get_executor(), [self = shared_from_this()] {
    if (self->state_ != state::open)
      return;
    self->received({});
    if (self->handler_ && self->is_client_gone_)
      self->complete_read(asio::error::eof, 0);
    self->await_readable();
  });
}

void wire_connection::note_dispatched() {
  is_dispatched_ = true;
}

void wire_connection::note_answer_begun() {
  is_answer_begun_ = true;
}

void wire_connection::on_departure(std::function<void()> handler) {
  on_departure_ = std::move(handler);
}

// -- reading ------------------------------------------------------------------

void wire_connection::await_readable() {
  if (is_waiting_ || is_client_gone_ || state_ != state::open)
    return;
  if (!handler_ && pending_.size() >= read_ahead_bytes)
    return poll_departure();
  is_waiting_ = true;
  socket().async_wait(stream_.next_wait(),
                      [self = shared_from_this()](const std::error_code& ec) {
                        self->is_waiting_ = false;
                        if (!ec && self->state_ == state::open)
                          self->on_readable();
                      });
}

void wire_connection::on_readable() {
  std::array<char, wire_stream::record_bytes> buffer;
  std::error_code ec;
  auto size = stream_.read_some(asio::buffer(buffer), ec);
  if (ec == std::errc::protocol_not_supported)
    return refuse(bad_request("tls_needed", "this port speaks TLS: the address "
                                            "begins with https://"));
  if (ec && ec != asio::error::would_block && ec != asio::error::interrupted)
    return on_client_gone(ec);
  if (!ec)
    received({buffer.data(), size});
  await_readable();
}

void wire_connection::poll_departure() {
  timer_.expires_after(departure_poll);
  timer_.async_wait([self = shared_from_this()](const std::error_code& ec) {
    if (ec || self->state_ != state::open)
      return;
    pollfd watched{self->socket().native_handle(), POLLRDHUP, 0};
    if (::poll(&watched, 1, 0) > 0)
      self->on_client_gone(asio::error::eof);
    else
      self->await_readable();
  });
}

void wire_connection::received(std::string_view bytes) {
  if (unwelcome_)
    return refuse(*unwelcome_);
  pending_.append(bytes);
  if (is_answering_ || !handler_)
    return;
  if (group_->is_draining && !guard_.has_begun() && pending_.empty())
    return complete_read(asio::error::eof, 0);
  auto taken = guard_.feed(pending_, approved_);
  pending_.erase(0, taken);
  if (auto reason = count_body())
    return refuse(*reason);
  if (guard_.takes_continue() && pending_.empty())
    stream_.send_at_once("HTTP/1.1 100 Continue\r\n\r\n");
  deliver();
}

// Bytes that have come, not those that were announced: many small announcements
// of large bodies must not keep others out.
std::optional<error_reply> wire_connection::count_body() {
  auto more =
      guard_.body_bytes() - std::exchange(counted_body_, guard_.body_bytes());
  auto total = group_->totals->body_bytes += more;
  if (more == 0 || total <= group_->max_all_body_bytes)
    return std::nullopt;
  return error_reply{
      .status = 503,
      .code = "too_many_body_bytes",
      .message = fmt::format("the bodies of all requests have {} bytes, the "
                             "limit is {}",
                             total, group_->max_all_body_bytes),
      .retry_after = 1};
}

void wire_connection::forget_body() {
  group_->totals->body_bytes -= std::exchange(counted_body_, 0);
}

void wire_connection::deliver() {
  if (!approved_.empty()) {
    auto size = asio::buffer_copy(target_, asio::buffer(approved_));
    approved_.erase(0, size);
    is_answering_ = approved_.empty() && guard_.is_complete();
    complete_read({}, size);
  } else if (guard_.refusal()) {
    complete_read(asio::error::connection_refused, 0);
  }
}

void wire_connection::complete_read(const std::error_code& reason,
                                    std::size_t size) {
  auto handler = std::move(handler_);
  handler_ = nullptr;
  is_delivering_ = true;
  handler(reason, size);
  is_delivering_ = false;
}

void wire_connection::on_client_gone(const std::error_code& reason) {
  is_client_gone_ = true;
  if (handler_)
    complete_read(reason, 0);
  else
    depart();
}

void wire_connection::depart() {
  if (auto handler = std::exchange(on_departure_, nullptr))
    handler();
}

// -- closing ------------------------------------------------------------------

void wire_connection::close() {
  if (state_ != state::open)
    return;
  auto words = last_words();
  if (words)
    return refuse(*words);
  cut_off();
}

void wire_connection::abandon() {
  asio::post(socket().get_executor(),
             [self = shared_from_this()] { self->close(); });
}

void wire_connection::refuse(const error_reply& reason) {
  auto id =
      guard_.request_id().empty() ? new_request_id() : guard_.request_id();
  auto trace = guard_.trace();
  log_event(log_level::info, "request_refused",
            {{"request_id", id},
             {"trace_id", optional_text{trace.trace_id}},
             {"span_id", optional_text{trace.span_id}},
             {"status", reason.status},
             {"code", reason.code},
             {"reason", reason.message}});
  stream_.send_at_once(raw_response(reason, id, guard_.is_head()));
  linger();
}

void wire_connection::refuse_when_heard(const error_reply& reason) {
  if (stream_.has_tls())
    unwelcome_ = reason;
  else
    refuse(reason);
}

void wire_connection::drain() {
  auto is_idle = !is_answering_ && !guard_.has_begun() && pending_.empty();
  if (is_idle || state_ == state::lingering)
    cut_off();
}

void wire_connection::cut_off() {
  if (state_ == state::closed)
    return;
  state_ = state::closed;
  std::error_code ignored;
  timer_.cancel();
  stream_.end_sending();
  socket().shutdown(asio::socket_base::shutdown_both, ignored);
  socket().close(ignored);
  leave_group();
}

std::optional<error_reply> wire_connection::last_words() const {
  if (is_answer_begun_ || is_client_gone_)
    return std::nullopt;
  if (guard_.refusal())
    return guard_.refusal();
  if (is_dispatched_)
    return error_reply{
        .status = 500, .code = "internal_error", .message = "internal error"};
  if (!guard_.has_begun())
    return std::nullopt;
  if (is_delivering_)
    return bad_request("bad_http", "the request is not HTTP as it is "
                                   "understood here");
  return error_reply{.status = 408,
                     .code = "request_timeout",
                     .message = fmt::format(
                         "the request did not arrive in time: the limit is {}",
                         show_duration(group_->read_timeout))};
}

void wire_connection::linger() {
  state_ = state::lingering;
  std::error_code ignored;
  socket().cancel(ignored);
  stream_.end_sending();
  pending_ = {};
  approved_ = {};
  forget_body();
  linger_until_ = std::chrono::steady_clock::now() + linger_at_most;
  abort_read();
  depart();
  discard();
}

void wire_connection::discard() {
  auto now = std::chrono::steady_clock::now();
  if (state_ != state::lingering)
    return;
  if (now >= linger_until_)
    return cut_off();
  timer_.expires_at(std::min(now + linger_silence, linger_until_));
  timer_.async_wait([self = shared_from_this()](const std::error_code& ec) {
    if (!ec)
      self->cut_off();
  });
  socket().async_wait(asio::socket_base::wait_read,
                      [self = shared_from_this()](const std::error_code& ec) {
                        if (ec || self->state_ != state::lingering)
                          return;
                        std::array<char, 65'536> buffer;
                        std::error_code failed;
                        self->socket().read_some(asio::buffer(buffer), failed);
                        if (failed && failed != asio::error::would_block)
                          self->cut_off();
                        else
                          self->discard();
                      });
}

void wire_connection::abort_read() {
  if (handler_)
    asio::post(socket().get_executor(),
               [handler = std::exchange(handler_, nullptr)] {
                 handler(asio::error::operation_aborted, 0);
               });
}

void wire_connection::leave_group() {
  auto self = shared_from_this();
  abort_read();
  depart();
  group_->members.erase(self);
  if (group_->members.empty() && group_->emptied)
    std::exchange(group_->emptied, nullptr)();
}

} // namespace model_server
