// Writes a file through its descriptor.
#include "http/client/hub/part_file.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace model_server {

namespace {

[[noreturn]] void fail(const std::filesystem::path& path) {
  throw std::system_error(errno, std::generic_category(), path.string());
}

} // namespace

part_file::part_file(std::filesystem::path path)
    : path_(std::move(path)),
      file_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
                   0666)) {
  if (file_ < 0)
    fail(path_);
  auto end = ::lseek(file_, 0, SEEK_END);
  if (end < 0) {
    auto why = errno;
    ::close(file_);
    errno = why;
    fail(path_);
  }
  size_ = static_cast<std::uint64_t>(end);
}

part_file::~part_file() {
  ::close(file_);
}

void part_file::append(std::string_view bytes) {
  while (!bytes.empty()) {
    auto written = ::write(file_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      fail(path_);
    size_ += static_cast<std::uint64_t>(written);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void part_file::empty() {
  if (::ftruncate(file_, 0) != 0)
    fail(path_);
  size_ = 0;
}

void part_file::rename(const std::filesystem::path& name) {
  if (::fsync(file_) != 0)
    fail(path_);
  std::filesystem::rename(path_, name);
}

} // namespace model_server
