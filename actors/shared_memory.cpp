// Memory that two processes of one machine share.
#include "actors/shared_memory.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

#include <sys/mman.h>
#include <unistd.h>

namespace model_server {

namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

} // namespace

unique_fd& unique_fd::operator=(unique_fd&& other) noexcept {
  reset();
  descriptor_ = other.release();
  return *this;
}

int unique_fd::release() {
  return std::exchange(descriptor_, -1);
}

void unique_fd::reset() {
  if (auto old = release(); old >= 0)
    ::close(old);
}

unique_fd make_memory_file(std::size_t size) {
  unique_fd result{::memfd_create("model_server", MFD_CLOEXEC)};
  if (result.get() < 0)
    fail("memfd_create");
  if (::ftruncate(result.get(), static_cast<off_t>(size)) != 0)
    fail("ftruncate");
  return result;
}

std::shared_ptr<void> map_memory_file(int descriptor, std::size_t size) {
  auto* memory =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (memory == MAP_FAILED)
    fail("mmap");
  return {memory, [size](void* mapped) { ::munmap(mapped, size); }};
}

} // namespace model_server
