// A file as memory, for reading.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace model_server {

/// A read-only mapping of a whole file; its pages are shared with every other
/// process that maps the file. The file must not shrink while it is mapped.
class mapped_file {
public:
  /// Throws `std::runtime_error` that names the file.
  explicit mapped_file(const std::filesystem::path& path);
  mapped_file(mapped_file&& other) noexcept;
  mapped_file& operator=(mapped_file&& other) noexcept;
  ~mapped_file();

  std::span<const std::byte> bytes() const {
    return {data_, size_};
  }

  /// Brings the whole file into memory now, as far as the system can, so that
  /// the first use does not wait for the disk.
  void read_ahead() const;

private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

} // namespace model_server
