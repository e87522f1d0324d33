// A file that is being written, piece by piece, over several runs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace model_server {

/// Everything throws `std::system_error` that names the file.
class part_file {
public:
  /// Goes on with a file, or makes one.
  explicit part_file(std::filesystem::path path);
  ~part_file();

  part_file(const part_file&) = delete;
  part_file& operator=(const part_file&) = delete;

  const std::filesystem::path& path() const {
    return path_;
  }

  std::uint64_t size() const {
    return size_;
  }

  void append(std::string_view bytes);

  /// Throws away what is there.
  void empty();

  /// Gives it its final name, after all of it is on the disk.
  void rename(const std::filesystem::path& name);

private:
  std::filesystem::path path_;
  int file_;
  std::uint64_t size_ = 0;
};

} // namespace model_server
