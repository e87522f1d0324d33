// The only file that is compiled with RESTinio: it parses and writes on our
// connections. Accepting, and everything it would do in silence, is ours.
#include "http/server.hpp"

#include "config/logging.hpp"
#include "http/io_loop.hpp"
#include "http/listener.hpp"
#include "http/request_id.hpp"
#include "http/restinio_answer.hpp"

#include <fmt/format.h>

#include <sys/resource.h>

#include <algorithm>
#include <future>
#include <optional>
#include <vector>

namespace model_server {

namespace {

using namespace std::chrono_literals;

/// Connections above the cap that are kept until their clients have read why
/// they are refused.
constexpr std::size_t refused_at_once = 64;
constexpr std::size_t refused_at_once_per_address = 16;

constexpr std::size_t usual_cap_per_address = 256;

std::size_t connection_cap(const http_settings& settings) {
  if (settings.max_connections > 0)
    return settings.max_connections;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  auto descriptors = std::min<rlim_t>(limit.rlim_cur, 1 << 20);
  // Half: each may need a second descriptor elsewhere, and models, logs and
  // refusals need some too.
  return std::clamp<rlim_t>(descriptors > 256 ? (descriptors - 256) / 2 : 0, 16,
                            4096);
}

error_reply too_many_connections(std::size_t open, std::size_t cap) {
  return {.status = 503,
          .code = "too_many_connections",
          .message = fmt::format("{} connections are open, the limit is {}",
                                 open, cap),
          .retry_after = 1};
}

error_reply too_many_of_one(std::size_t open, std::size_t cap) {
  return {.status = 429,
          .code = "too_many_connections",
          .message = fmt::format("{} connections are open from your address, "
                                 "the limit is {}",
                                 open, cap),
          .retry_after = 1};
}

error_reply no_descriptor_left() {
  return {.status = 503,
          .code = "too_many_connections",
          .message = "the server has no descriptor left",
          .retry_after = 1};
}

using restinio_connection = restinio::impl::connection_t<http_traits>;
using restinio_settings = restinio::impl::connection_settings_t<http_traits>;
using lifetime_monitor = restinio_connection::lifetime_monitor_t;

} // namespace

class http_server::impl {
public:
  impl(const http_settings& settings, request_handler handler, int given,
       std::shared_ptr<const memory_gauge> memory)
      : settings_(settings),
        handler_(std::make_shared<request_handler>(std::move(handler))),
        cap_(connection_cap(settings)),
        totals_(std::make_shared<connection_totals>()),
        tls_(load_tls()) {
    totals_->memory = std::move(memory);
    for (unsigned i = 0; i < std::max(1u, settings.threads); ++i)
      loops_.push_back(std::make_shared<io_loop>(settings, totals_));
    listener_ =
        std::make_shared<listener>(loops_.front()->context(), settings, given);
    if (given < 0)
      accept();
    for (auto& loop : loops_)
      loop->start();
  }

  ~impl() {
    close_listener();
    for (auto& loop : loops_)
      loop->stop();
  }

  void reload_certificate() {
    asio::post(loops_.front()->context(),
               [this, next = load_tls()] { tls_ = next; });
  }

  std::uint16_t port() const {
    return listener_->port();
  }

  int listening_socket() {
    return listener_->native_handle();
  }

  void accept() {
    asio::post(loops_.front()->context(), [this] {
      listener_->start(
          [this]() -> asio::io_context& { return next_loop(); },
          [this](asio::ip::tcp::socket socket) { welcome(std::move(socket)); },
          [this](asio::ip::tcp::socket& socket) {
            turn_away(socket, no_descriptor_left());
          });
    });
  }

  void retire() {
    close_listener();
    for (auto& loop : loops_)
      loop->retire();
  }

  void drain() {
    close_listener();
    for (auto& loop : loops_)
      loop->drain();
  }

  bool wait_until_closed(std::chrono::milliseconds limit) {
    auto until = std::chrono::steady_clock::now() + limit;
    return std::ranges::all_of(loops_, [&](auto& loop) {
      return loop->drained().wait_until(until) == std::future_status::ready;
    });
  }

private:
  std::shared_ptr<const tls_context> load_tls() const {
    return settings_.has_tls() ? std::make_shared<const tls_context>(settings_)
                               : nullptr;
  }

  void close_listener() {
    std::promise<void> closed;
    asio::post(loops_.front()->context(), [&] {
      listener_->close();
      closed.set_value();
    });
    closed.get_future().wait();
  }

  /// Connections take turns; called on the first loop's thread.
  asio::io_context& next_loop() {
    turn_ = (turn_ + 1) % loops_.size();
    return loops_[turn_]->context();
  }

  /// Why this client may not come in; nothing if it may.
  std::optional<error_reply> turns_away(const asio::ip::address& client) const {
    if (auto open = totals_->connections.load(); open >= cap_)
      return too_many_connections(open, cap_);
    auto cap = cap_for(client);
    if (auto open = totals_->clients.of(client); open >= cap)
      return too_many_of_one(open, cap);
    return std::nullopt;
  }

  std::size_t cap_for(const asio::ip::address& client) const {
    if (settings_.max_connections_per_address > 0)
      return settings_.max_connections_per_address;
    // Behind a proxy on this machine all clients have its address.
    return client.is_loopback() ? cap_ : usual_cap_per_address;
  }

  /// True when there are too many even of those that are being refused.
  bool is_swamped(const asio::ip::address& client) const {
    return totals_->connections.load() >= cap_ + refused_at_once
           || totals_->clients.of(client)
                  >= cap_for(client) + refused_at_once_per_address;
  }

  /// Tells a client that is closed at once why, in as many bytes as it takes
  /// without waiting. Nothing with TLS: there is no time for a handshake.
  void turn_away(asio::ip::tcp::socket& socket, const error_reply& reason) {
    std::error_code ignored;
    if (!tls_) {
      auto words = raw_response(reason, new_request_id());
      socket.non_blocking(true, ignored);
      socket.write_some(asio::buffer(words), ignored);
    }
    socket.shutdown(asio::socket_base::shutdown_send, ignored);
  }

  /// Takes an accepted connection to its own loop's thread.
  void welcome(asio::ip::tcp::socket socket) {
    std::error_code ec;
    auto from = socket.remote_endpoint(ec);
    if (ec)
      return;
    auto client = client_network(from.address());
    auto reason = turns_away(client);
    if (reason && is_swamped(client))
      return turn_away(socket, *reason);
    auto loop = loops_[turn_];
    auto connection = std::make_shared<wire_connection>(
        wire_stream{std::move(socket), tls_.get()}, client,
        loop->connections());
    asio::post(loop->context(), [=, this] {
      connection->start();
      if (reason)
        connection->refuse_when_heard(*reason);
      if (connection->is_open())
        serve(loop, connection, from);
    });
  }

  void serve(const std::shared_ptr<io_loop>& loop,
             const std::shared_ptr<wire_connection>& connection,
             const asio::ip::tcp::endpoint& client) {
    // Each connection gets settings of its own because the handler in them is
    // the only way from a request back to its connection.
    auto settings = std::make_shared<restinio_settings>(
        restinio_options(loop, connection),
        restinio::impl::create_parser_settings<
            http_traits::http_methods_mapper_t>(),
        std::make_shared<restinio::asio_timer_manager_t>(loop->context(),
                                                         check_period()));
    auto served = std::make_shared<restinio_connection>(
        ++last_connection_, wire_socket{connection}, std::move(settings),
        client, lifetime_monitor{nullptr});
    served->init();
  }

  /// Hard limits are twice the guard's: it refuses first, and with an answer.
  restinio::server_settings_t<http_traits>
  restinio_options(const std::shared_ptr<io_loop>& loop,
                   const std::shared_ptr<wire_connection>& connection) {
    request_limits limits;
    restinio::server_settings_t<http_traits> options;
    options.buffer_size(8192)
        .read_next_http_message_timelimit(settings_.read_timeout)
        .write_http_response_timelimit(settings_.write_timeout)
        // Replies have deadlines of their own; RESTinio must not have one.
        .handle_request_timeout(24h)
        .max_pipelined_requests(1)
        .incoming_http_msg_limits(
            restinio::incoming_http_msg_limits_t{}
                .max_url_size(2 * limits.target_bytes)
                .max_field_name_size(2 * limits.field_name_bytes)
                .max_field_value_size(2 * limits.field_value_bytes)
                .max_field_count(2 * limits.fields)
                .max_body_size(2 * settings_.max_body_bytes))
        .request_handler([this, loop = std::weak_ptr{loop},
                          connection = std::weak_ptr{connection}](
                             restinio::request_handle_t request) {
          auto its_loop = loop.lock();
          auto its_connection = connection.lock();
          if (!its_loop || !its_connection)
            return restinio::request_rejected();
          return handle(std::move(its_loop), std::move(its_connection),
                        std::move(request));
        });
    return options;
  }

  restinio::request_handling_status_t
  handle(std::shared_ptr<io_loop> loop,
         std::shared_ptr<wire_connection> connection,
         restinio::request_handle_t request) {
    connection->note_dispatched();
    const auto& guard = connection->guard();
    const auto& header = request->header();
    auto id =
        guard.request_id().empty() ? new_request_id() : guard.request_id();
    http_request view{.method = header.method().c_str(),
                      .target = header.request_target(),
                      .body = request->body(),
                      .request_id = id,
                      .trace = guard.trace(),
                      .can_stream = guard.is_http_1_1()};
    header.for_each_field([&](const restinio::http_header_field_t& field) {
      view.fields.emplace_back(field.name(), field.value());
    });
    // What the views look into must outlive an answer given at once.
    auto keep = request;
    try {
      (*handler_)(view, std::make_unique<restinio_answer>(
                            std::move(loop), std::move(connection),
                            std::move(request), std::move(id),
                            settings_.max_unsent_bytes));
    } catch (const std::exception& e) {
      // The answer has been dropped, so its connection closes with a 500.
      log_event(log_level::error, "request_handler_failed",
                {{"request_id", view.request_id},
                 {"trace_id", optional_text{view.trace.trace_id}},
                 {"span_id", optional_text{view.trace.span_id}},
                 {"reason", e.what()}});
    }
    return restinio::request_accepted();
  }

  std::chrono::milliseconds check_period() const {
    return std::clamp(std::min(settings_.read_timeout, settings_.write_timeout)
                          / 4,
                      20ms, 1000ms);
  }

  const http_settings settings_;
  std::shared_ptr<request_handler> handler_;
  const std::size_t cap_;
  std::shared_ptr<connection_totals> totals_;
  /// For new connections; null without TLS. Used on the first loop's thread.
  std::shared_ptr<const tls_context> tls_;
  std::vector<std::shared_ptr<io_loop>> loops_;
  std::shared_ptr<listener> listener_;
  std::size_t turn_ = 0;
  std::atomic<std::uint64_t> last_connection_{0};
};

http_server::http_server(const http_settings& settings, request_handler handler,
                         int given_socket,
                         std::shared_ptr<const memory_gauge> memory)
    : impl_(std::make_unique<impl>(settings, std::move(handler), given_socket,
                                   std::move(memory))) {
  // nop
}

http_server::~http_server() = default;

void http_server::reload_certificate() {
  impl_->reload_certificate();
}

std::uint16_t http_server::port() const {
  return impl_->port();
}

int http_server::listening_socket() {
  return impl_->listening_socket();
}

void http_server::accept() {
  impl_->accept();
}

void http_server::retire() {
  impl_->retire();
}

void http_server::drain() {
  impl_->drain();
}

bool http_server::wait_until_closed(std::chrono::milliseconds limit) {
  return impl_->wait_until_closed(limit);
}

} // namespace model_server
