// A network between two processes that a test can cut and heal.
#include "support/tcp_proxy.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <deque>
#include <list>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace model_server {

namespace {

// How soon a cut takes effect.
constexpr int tick_ms = 10;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(port);
  result.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return result;
}

int check(int result, const char* what) {
  if (result < 0)
    throw std::system_error(errno, std::generic_category(), what);
  return result;
}

using clock = std::chrono::steady_clock;

// Bytes on their way, and when they arrive.
struct packet {
  clock::time_point due;
  std::string bytes;
};

// Two ends of one connection, and what is on its way to each.
struct link {
  std::array<int, 2> ends;
  std::array<std::deque<packet>, 2> to;
};

bool send_all(int to, std::string_view bytes) {
  while (!bytes.empty()) {
    auto sent = ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0)
      return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

// False at the end of the side that sends.
bool receive(link& item, std::size_t from, std::chrono::milliseconds delay) {
  std::array<char, 65'536> bytes;
  auto size = ::recv(item.ends[from], bytes.data(), bytes.size(), 0);
  if (size <= 0)
    return false;
  item.to[1 - from].push_back(
      {clock::now() + delay, {bytes.data(), static_cast<std::size_t>(size)}});
  return true;
}

// False at the end of the side that receives.
bool deliver(link& item) {
  auto lives = true;
  for (std::size_t side = 0; side < 2; ++side)
    for (auto& queue = item.to[side];
         lives && !queue.empty() && queue.front().due <= clock::now();
         queue.pop_front())
      lives = send_all(item.ends[side], queue.front().bytes);
  return lives;
}

} // namespace

tcp_proxy::tcp_proxy(std::uint16_t target) : target_(target) {
  listener_ = check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  auto here = loopback(0);
  auto* address = reinterpret_cast<sockaddr*>(&here);
  socklen_t size = sizeof(here);
  check(::bind(listener_, address, size), "bind");
  check(::listen(listener_, 64), "listen");
  check(::getsockname(listener_, address, &size), "getsockname");
  port_ = ntohs(here.sin_port);
  thread_ = std::thread{[this] { run(); }};
}

tcp_proxy::~tcp_proxy() {
  is_over_ = true;
  thread_.join();
  ::close(listener_);
}

void tcp_proxy::run() {
  std::list<link> links;
  while (!is_over_) {
    if (is_cut_) {
      ::poll(nullptr, 0, tick_ms);
      continue;
    }
    std::vector<pollfd> waits{{listener_, POLLIN, 0}};
    for (const auto& item : links)
      for (auto end : item.ends)
        waits.push_back({end, POLLIN, 0});
    if (::poll(waits.data(), waits.size(), tick_ms) < 0 || is_cut_)
      continue;
    std::chrono::milliseconds delay{delay_ms_};
    std::size_t place = 1;
    for (auto item = links.begin(); item != links.end();) {
      auto lives = true;
      for (std::size_t side = 0; side < 2; ++side)
        if (waits[place++].revents != 0)
          lives = receive(*item, side, delay) && lives;
      if (deliver(*item) && lives) {
        ++item;
        continue;
      }
      for (auto end : item->ends)
        ::close(end);
      item = links.erase(item);
    }
    if (waits[0].revents == 0)
      continue;
    auto client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    auto server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto there = loopback(target_);
    if (client >= 0
        && ::connect(server, reinterpret_cast<sockaddr*>(&there), sizeof(there))
               == 0) {
      links.push_back({{client, server}, {}});
    } else {
      ::close(client);
      ::close(server);
    }
  }
  for (const auto& item : links)
    for (auto end : item.ends)
      ::close(end);
}

} // namespace model_server
