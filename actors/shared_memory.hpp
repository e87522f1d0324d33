// Memory that two processes of one machine share.
#pragma once

#include <memory>
#include <new>
#include <stdexcept>
#include <type_traits>

namespace model_server {

/// A file descriptor that is closed with it; -1 is none.
class unique_fd {
public:
  unique_fd() = default;
  explicit unique_fd(int descriptor) : descriptor_(descriptor) {
  }
  unique_fd(unique_fd&& other) noexcept : descriptor_(other.release()) {
  }
  unique_fd& operator=(unique_fd&& other) noexcept;
  ~unique_fd() {
    reset();
  }

  int get() const {
    return descriptor_;
  }
  int release();
  void reset();

private:
  int descriptor_ = -1;
};

/// An anonymous file of so many zero bytes, in memory. Throws
/// `std::system_error`.
unique_fd make_memory_file(std::size_t size);

/// Maps it, to be read and written by whoever else maps it. Throws
/// `std::system_error`.
std::shared_ptr<void> map_memory_file(int descriptor, std::size_t size);

/// The object in a memory file. Both sides see one object; it is made from zero
/// bytes and lives on without a destructor.
template <class T>
std::shared_ptr<T> map_object(int descriptor) {
  static_assert(std::is_trivially_destructible_v<T>);
  auto memory = map_memory_file(descriptor, sizeof(T));
  return {memory, std::launder(reinterpret_cast<T*>(memory.get()))};
}

} // namespace model_server
