// Memory for packed weights.
#include "models/kernels/packed_memory.hpp"

#include <cstdlib>
#include <new>
#include <utility>

#include <sys/mman.h>

namespace model_server {

namespace {

constexpr std::size_t huge_page = std::size_t{2} << 20;

} // namespace

packed_memory::packed_memory(std::size_t size)
    : size_((size + huge_page - 1) / huge_page * huge_page) {
  if (size_ == 0)
    return;
  auto* memory = std::aligned_alloc(huge_page, size_);
  if (memory == nullptr)
    throw std::bad_alloc{};
  // Only a wish: without them it is slower.
  ::madvise(memory, size_, MADV_HUGEPAGE);
  data_ = static_cast<std::byte*>(memory);
}

packed_memory::packed_memory(packed_memory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {
  // nop
}

packed_memory& packed_memory::operator=(packed_memory&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

packed_memory::~packed_memory() {
  std::free(data_);
}

} // namespace model_server
