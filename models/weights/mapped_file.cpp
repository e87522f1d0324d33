// Maps a file with the system's own calls.
#include "models/weights/mapped_file.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace model_server {

namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const char* what) {
  throw std::runtime_error(fmt::format("{}: {}", path.string(), what));
}

} // namespace

mapped_file::mapped_file(const std::filesystem::path& path) {
  // Without waiting: the open of a pipe would last until someone writes to it.
  auto descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0)
    fail(path, std::strerror(errno));
  struct stat facts;
  if (::fstat(descriptor, &facts) != 0 || !S_ISREG(facts.st_mode)) {
    ::close(descriptor);
    fail(path, "not a regular file");
  }
  size_ = static_cast<std::size_t>(facts.st_size);
  if (size_ > 0) {
    auto memory = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
    auto reason = errno;
    ::close(descriptor);
    if (memory == MAP_FAILED)
      fail(path, std::strerror(reason));
    data_ = static_cast<const std::byte*>(memory);
  } else {
    ::close(descriptor);
  }
}

mapped_file::mapped_file(mapped_file&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {
}

mapped_file& mapped_file::operator=(mapped_file&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

void mapped_file::read_ahead() const {
  if (data_ == nullptr)
    return;
  auto memory = const_cast<std::byte*>(data_);
#ifdef MADV_POPULATE_READ
  if (::madvise(memory, size_, MADV_POPULATE_READ) == 0)
    return;
#endif
  ::madvise(memory, size_, MADV_WILLNEED); // older kernels; only advice
}

mapped_file::~mapped_file() {
  if (data_ != nullptr)
    ::munmap(const_cast<std::byte*>(data_), size_);
}

} // namespace model_server
