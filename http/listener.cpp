// Binds, accepts, and gets over every error of accept.
#include "http/listener.hpp"

#include "config/logging.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>

namespace model_server {

namespace {

/// Before the next try when descriptors or memory are missing.
constexpr auto starved_pause = std::chrono::milliseconds{50};

int open_spare() {
  return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

asio::ip::tcp::endpoint endpoint_of(const http_settings& settings) {
  std::error_code ec;
  auto address = asio::ip::make_address(settings.address, ec);
  if (ec && settings.address == "localhost")
    return {asio::ip::address_v4::loopback(), settings.port};
  if (ec)
    throw config_error(fmt::format("cannot listen on {}: it is no IP address",
                                   settings.address));
  return {address, settings.port};
}

} // namespace

listener::listener(asio::io_context& context, const http_settings& settings,
                   int given)
    : context_(context),
      acceptor_(context),
      pause_(context),
      spare_(open_spare()) {
  try {
    if (given < 0)
      bind(settings);
    else
      adopt(given);
    port_ = acceptor_.local_endpoint().port();
  } catch (const std::system_error& e) {
    throw std::runtime_error(fmt::format("cannot listen on {} port {}: {}",
                                         settings.address, settings.port,
                                         e.code().message()));
  }
}

listener::~listener() {
  if (spare_ >= 0)
    ::close(spare_);
}

void listener::bind(const http_settings& settings) {
  auto endpoint = endpoint_of(settings);
  acceptor_.open(endpoint.protocol());
  acceptor_.set_option(asio::socket_base::reuse_address{true});
  acceptor_.bind(endpoint);
  acceptor_.listen(asio::socket_base::max_listen_connections);
  // A socket that came from outside is one that other processes may hold too:
  // only such a one does Asio take off its epoll set before closing it.
  adopt(acceptor_.release());
}

void listener::adopt(int socket) {
  sockaddr address{};
  socklen_t size = sizeof address;
  ::getsockname(socket, &address, &size);
  acceptor_.assign(address.sa_family == AF_INET6 ? asio::ip::tcp::v6()
                                                 : asio::ip::tcp::v4(),
                   socket);
}

std::uint16_t listener::port() const {
  return port_;
}

void listener::start(loop_chooser choose, accept_handler accepted,
                     refuse_handler refused) {
  choose_ = std::move(choose);
  accepted_ = std::move(accepted);
  refused_ = std::move(refused);
  accept_next();
}

void listener::close() {
  std::error_code ignored;
  pause_.cancel();
  acceptor_.close(ignored);
}

void listener::accept_next() {
  if (!acceptor_.is_open())
    return;
  acceptor_.async_accept(
      choose_(), asio::bind_executor(
                     context_.get_executor(),
                     [self = shared_from_this()](const std::error_code& ec,
                                                 asio::ip::tcp::socket socket) {
                       if (ec)
                         return self->on_accept_error(ec);
                       self->is_starved_ = false;
                       self->accepted_(std::move(socket));
                       self->accept_next();
                     }));
}

void listener::on_accept_error(const std::error_code& reason) {
  if (reason == asio::error::operation_aborted)
    return;
  // The client that was being accepted is gone: no reason to pause.
  if (reason == std::errc::connection_aborted)
    return accept_next();
  if (!std::exchange(is_starved_, true))
    log_event(log_level::error, "accept_failed",
              {{"reason", reason.message()},
               {"meaning", "new connections are refused until it works"}});
  refuse_waiting();
  pause_.expires_after(starved_pause);
  pause_.async_wait([self = shared_from_this()](const std::error_code& ec) {
    if (!ec)
      self->accept_next();
  });
}

void listener::refuse_waiting() {
  if (spare_ < 0)
    spare_ = open_spare();
  if (spare_ < 0)
    return;
  ::close(std::exchange(spare_, -1));
  std::error_code ec;
  acceptor_.non_blocking(true, ec);
  for (auto done = false; !done;) {
    asio::ip::tcp::socket client{context_};
    acceptor_.accept(client, ec);
    done = static_cast<bool>(ec);
    if (!done)
      refused_(client);
  }
  spare_ = open_spare();
}

} // namespace model_server
