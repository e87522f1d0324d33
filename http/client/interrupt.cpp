// A signal handler that writes into a pipe.
#include "http/client/interrupt.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace model_server {

namespace {

// What the handler may touch.
std::atomic<int> write_end{-1};
static_assert(std::atomic<int>::is_always_lock_free);

void note_signal(int) {
  auto before = errno;
  char byte = 0;
  // A full pipe is as good as one more byte in it.
  [[maybe_unused]] auto written = ::write(write_end, &byte, 1);
  errno = before;
}

} // namespace

interrupt_watch::interrupt_watch() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0)
    throw std::system_error(errno, std::generic_category(), "pipe2");
  read_end_ = ends[0];
  write_end = ends[1];
  struct sigaction action {};
  action.sa_handler = note_signal;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, nullptr);
}

interrupt_watch::~interrupt_watch() {
  std::signal(SIGINT, SIG_DFL);
  ::close(write_end.exchange(-1));
  ::close(read_end_);
}

bool interrupt_watch::is_set() const {
  pollfd watched{read_end_, POLLIN, 0};
  return ::poll(&watched, 1, 0) > 0;
}

void interrupt_watch::clear() {
  std::array<char, 64> bytes;
  while (::read(read_end_, bytes.data(), bytes.size()) > 0)
    continue;
}

} // namespace model_server
