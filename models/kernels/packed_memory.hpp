// Memory for packed weights: large pages, so that reading it in long runs does
// not wait for address translation.
#pragma once

#include <cstddef>

namespace model_server {

/// Bytes of any value that begin at a multiple of 2 MiB, in huge pages where
/// the system gives them. Private to the process.
class packed_memory {
public:
  packed_memory() = default;
  /// Throws `std::bad_alloc`.
  explicit packed_memory(std::size_t size);
  packed_memory(packed_memory&& other) noexcept;
  packed_memory& operator=(packed_memory&& other) noexcept;
  ~packed_memory();

  std::byte* data() {
    return data_;
  }

private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

} // namespace model_server
