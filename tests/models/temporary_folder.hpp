// A folder for the files of one test.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace model_server::testing {

/// A fresh folder; gone with this object.
class temporary_folder {
public:
  temporary_folder() {
    auto pattern =
        (std::filesystem::temp_directory_path() / "model_server_XXXXXX")
            .string();
    if (::mkdtemp(pattern.data()) == nullptr)
      throw std::runtime_error("no temporary folder can be made");
    path_ = pattern;
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const {
    return path_;
  }

  /// Writes a file and returns its path.
  std::filesystem::path write(const std::string& name,
                              std::string_view content) const {
    auto result = path_ / name;
    std::ofstream{result, std::ios::binary} << content;
    return result;
  }

private:
  std::filesystem::path path_;
};

/// What an action says when it throws; empty if it does not.
template <class Action>
std::string error_of(Action action) {
  try {
    action();
  } catch (const std::exception& error) {
    return error.what();
  }
  return {};
}

} // namespace model_server::testing
