// Sockets, and just enough HTTP to read what a server says.
#include "support/http_client.hpp"

#include <fmt/format.h>
#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace model_server {

namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

std::string lower(std::string text) {
  for (auto& c : text)
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

client_response parse_head(std::string_view head) {
  client_response result;
  result.status = std::stoi(std::string{head.substr(head.find(' ') + 1, 3)});
  for (auto line = head.find("\r\n"); line + 2 < head.size();) {
    auto end = head.find("\r\n", line + 2);
    auto field = head.substr(line + 2, end - line - 2);
    if (auto colon = field.find(':'); colon != std::string_view::npos)
      result.headers[lower(std::string{field.substr(0, colon)})] =
          std::string{field.substr(std::min(field.size(), colon + 2))};
    if (end == std::string_view::npos)
      break;
    line = end;
  }
  return result;
}

} // namespace

http_client::http_client(std::uint16_t port, int receive_buffer)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  if (socket_ < 0)
    fail("socket");
  if (receive_buffer > 0)
    setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer,
               sizeof receive_buffer);
  int on = 1;
  setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address)
      < 0)
    fail("connect");
}

http_client::http_client(std::uint16_t port, const std::string& authority)
    : http_client(port) {
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context{
      SSL_CTX_new(TLS_client_method()), SSL_CTX_free};
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (SSL_CTX_load_verify_locations(context.get(), authority.c_str(), nullptr)
      != 1)
    throw std::runtime_error("there is no authority in " + authority);
  tls_.reset(SSL_new(context.get()));
  SSL_set_fd(tls_.get(), socket_);
  SSL_set1_host(tls_.get(), "localhost");
  if (SSL_connect(tls_.get()) != 1)
    throw std::runtime_error("the handshake fails");
}

void http_client::end_tls::operator()(ssl_st* session) const {
  SSL_free(session);
}

std::string http_client::tls_version() const {
  return SSL_get_version(tls_.get());
}

long http_client::certificate_number() const {
  std::unique_ptr<X509, decltype(&X509_free)> certificate{
      SSL_get1_peer_certificate(tls_.get()), X509_free};
  return ASN1_INTEGER_get(X509_get0_serialNumber(certificate.get()));
}

bool http_client::has_been_told_goodbye() const {
  return (SSL_get_shutdown(tls_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
}

http_client::http_client(http_client&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)),
      tls_(std::move(other.tls_)),
      received_(std::move(other.received_)),
      decoded_(std::move(other.decoded_)),
      has_ended_(other.has_ended_),
      has_ended_well_(other.has_ended_well_) {
  // nop
}

http_client::~http_client() {
  close();
}

void http_client::close() {
  if (socket_ >= 0)
    ::close(std::exchange(socket_, -1));
}

void http_client::reset() {
  linger at_once{1, 0};
  setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

void http_client::shut_sending() {
  ::shutdown(socket_, SHUT_WR);
}

bool http_client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    auto sent = tls_
                    ? SSL_write(tls_.get(), bytes.data(),
                                static_cast<int>(bytes.size()))
                    : ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (tls_ ? sent <= 0 : sent < 0)
      return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool http_client::request(std::string_view method, std::string_view target,
                          std::string_view body, std::string_view fields) {
  return send(fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\n{}"
                          "Content-Length: {}\r\n\r\n{}",
                          method, target, fields, body.size(), body));
}

bool http_client::fill(std::chrono::milliseconds patience) {
  pollfd watched{socket_, POLLIN, 0};
  auto is_waiting = !tls_ || SSL_pending(tls_.get()) == 0;
  if (is_waiting
      && ::poll(&watched, 1, static_cast<int>(patience.count())) == 0)
    throw std::runtime_error("the server says nothing");
  std::array<char, 65'536> buffer;
  auto size = tls_ ? SSL_read(tls_.get(), buffer.data(),
                              static_cast<int>(buffer.size()))
                   : ::recv(socket_, buffer.data(), buffer.size(), 0);
  if (size <= 0)
    return false;
  received_.append(buffer.data(), static_cast<std::size_t>(size));
  return true;
}

client_response http_client::receive_head() {
  for (;;) {
    auto end = received_.find("\r\n\r\n");
    if (end == std::string::npos) {
      if (!fill())
        return {};
      continue;
    }
    auto result = parse_head(std::string_view{received_}.substr(0, end + 2));
    received_.erase(0, end + 4);
    if (result.status != 100)
      return result;
  }
}

client_response http_client::receive() {
  auto result = receive_head();
  if (result.status == 0)
    return result;
  if (result.header("transfer-encoding") == "chunked") {
    while (!has_ended_ && fill_chunk())
      continue;
    result.body = std::exchange(decoded_, {});
    result.is_complete = std::exchange(has_ended_well_, false);
    has_ended_ = false;
    return result;
  }
  auto text = result.header("content-length");
  auto size = text.empty() ? 0 : std::stoul(text);
  while (received_.size() < size && fill())
    continue;
  result.is_complete = received_.size() >= size;
  result.body = received_.substr(0, size);
  received_.erase(0, size);
  return result;
}

int http_client::receive_interim() {
  auto line = take_line();
  take_line();
  return line.size() < 12 ? 0 : std::stoi(line.substr(9, 3));
}

std::string http_client::take_line() {
  for (;;) {
    auto end = received_.find("\r\n");
    if (end != std::string::npos) {
      auto line = received_.substr(0, end);
      received_.erase(0, end + 2);
      return line;
    }
    if (!fill())
      return {};
  }
}

bool http_client::fill_chunk() {
  auto line = take_line();
  if (line.empty()) {
    has_ended_ = true;
    return false;
  }
  auto size = std::stoul(line, nullptr, 16);
  while (received_.size() < size + 2)
    if (!fill()) {
      has_ended_ = true;
      return false;
    }
  decoded_.append(received_, 0, size);
  received_.erase(0, size + 2);
  if (size == 0)
    has_ended_ = has_ended_well_ = true;
  return size > 0;
}

std::optional<client_event> http_client::next_event() {
  for (;;) {
    auto end = decoded_.find("\n\n");
    if (end == std::string::npos) {
      if (has_ended_ || !fill_chunk())
        return std::nullopt;
      continue;
    }
    client_event result;
    std::string_view rest = decoded_;
    rest = rest.substr(0, end + 1);
    while (!rest.empty()) {
      auto line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(line.size() + 1);
      if (line.starts_with("id: "))
        result.id = line.substr(4);
      else if (line.starts_with("data: "))
        result.data += line.substr(6);
      else if (line.starts_with(": "))
        result.comment = line.substr(2);
    }
    decoded_.erase(0, end + 2);
    return result;
  }
}

bool http_client::is_closed_by_server() {
  received_.clear();
  return !fill();
}

bool http_client::ends_without_a_byte() {
  return received_.empty() && !fill();
}

client_response fetch(std::uint16_t port, std::string_view method,
                      std::string_view target, std::string_view body,
                      std::string_view fields) {
  http_client client{port};
  client.request(method, target, body, fields);
  return client.receive();
}

client_response fetch_tls(std::uint16_t port, const std::string& authority,
                          std::string_view method, std::string_view target,
                          std::string_view body, std::string_view fields) {
  http_client client{port, authority};
  client.request(method, target, body, fields);
  return client.receive();
}

client_response fetch_raw(std::uint16_t port, std::string_view bytes) {
  http_client client{port};
  client.send(bytes);
  return client.receive();
}

std::string json_value(std::string_view json, std::string_view key) {
  auto at = json.find(fmt::format("\"{}\":", key));
  if (at == std::string_view::npos)
    return {};
  auto rest = json.substr(at + key.size() + 3);
  if (rest.starts_with('"'))
    return std::string{rest.substr(1, rest.find('"', 1) - 1)};
  return std::string{rest.substr(0, rest.find_first_of(",}]"))};
}

} // namespace model_server
