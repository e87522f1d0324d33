// Starts a second process with our listening socket and waits for its word.
#include "http/succession.hpp"

#include "actors/child_process.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace model_server {

namespace {

// What a successor finds where.
constexpr int socket_descriptor = first_given_descriptor;
constexpr int devices_descriptor = first_given_descriptor + 1;
constexpr int news_descriptor = first_given_descriptor + 2;

/// It serves. What ends without this has failed.
constexpr char serving_word = 's';

void keep_from_children(int descriptor) {
  ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
}

unique_fd file_of(const std::string& text) {
  unique_fd result{::memfd_create("devices", MFD_CLOEXEC)};
  auto size = static_cast<ssize_t>(text.size());
  if (result.get() < 0
      || ::pwrite(result.get(), text.data(), text.size(), 0) != size)
    throw std::system_error(errno, std::generic_category(), "memfd_create");
  return result;
}

} // namespace

predecessor::predecessor()
    : listening_socket_(socket_descriptor),
      devices_(devices_descriptor),
      news_(news_descriptor) {
  for (auto descriptor :
       {socket_descriptor, devices_descriptor, news_descriptor})
    keep_from_children(descriptor);
}

std::string predecessor::devices() const {
  std::string result;
  std::array<char, 4096> buffer;
  for (;;) {
    auto size = ::pread(devices_.get(), buffer.data(), buffer.size(),
                        static_cast<off_t>(result.size()));
    if (size <= 0)
      return result;
    result.append(buffer.data(), static_cast<std::size_t>(size));
  }
}

void predecessor::relieve() {
  // One that is gone needs no word.
  [[maybe_unused]] auto ignored = ::write(news_.get(), &serving_word, 1);
  news_.reset();
}

successor::successor(std::vector<std::string> command_line,
                     int listening_socket, const std::string& devices,
                     std::function<void()> told) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    throw std::system_error(errno, std::generic_category(), "pipe2");
  news_ = unique_fd{ends[0]};
  unique_fd write_end{ends[1]};
  auto devices_file = file_of(devices);
  auto program = command_line.at(0);
  command_line.insert(command_line.begin() + 1, successor_flag);
  id_ = start_second(program, std::move(command_line),
                     {listening_socket, devices_file.get(), write_end.get()});
  watcher_ = std::thread{[this, told = std::move(told)] { watch(told); }};
}

successor::~successor() {
  if (!serves_ && !has_failed_)
    ::kill(id_, SIGTERM);
  watcher_.join();
  if (has_failed_)
    reap(id_);
}

void successor::watch(const std::function<void()>& told) {
  char word = 0;
  ssize_t size = 0;
  do
    size = ::read(news_.get(), &word, 1);
  while (size < 0 && errno == EINTR);
  if (size == 1) {
    serves_ = true;
  } else {
    wait_for_end(id_);
    has_failed_ = true;
  }
  told();
}

} // namespace model_server
