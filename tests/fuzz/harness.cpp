// What the harnesses share.
#include "tests/fuzz/harness.hpp"

#include <cstdlib>
#include <fstream>
#include <string>

#include <unistd.h>

namespace model_server::testing {

namespace fs = std::filesystem;

namespace {

constexpr harness all[] = {
#define FUZZ_HARNESS(name) {#name, try_##name},
#include "tests/fuzz/harnesses.def"
#undef FUZZ_HARNESS
};

class folder_of_process {
public:
  folder_of_process() {
    auto name =
        (fs::temp_directory_path() / "model-server-fuzz-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      throw std::logic_error{"no folder can be made for temporary files"};
    path = name;
  }
  folder_of_process(const folder_of_process&) = delete;
  folder_of_process& operator=(const folder_of_process&) = delete;
  ~folder_of_process() {
    std::error_code error;
    fs::remove_all(path, error);
  }

  fs::path path;
};

} // namespace

std::span<const harness> harnesses() {
  return all;
}

void touch(std::span<const std::byte> bytes) {
  unsigned sum = 0;
  for (auto byte : bytes)
    sum += std::to_integer<unsigned>(byte);
  asm volatile("" : : "r"(sum)); // whose result someone may want
}

const fs::path& scratch_folder() {
  static const folder_of_process folder;
  return folder.path;
}

fs::path write_scratch(std::string_view name, std::string_view content) {
  auto path = scratch_folder() / name;
  fs::create_directories(path.parent_path());
  std::ofstream out{path, std::ios::binary | std::ios::trunc};
  out.write(content.data(), static_cast<std::streamsize>(content.size()));
  out.close();
  require(!out.fail(), "a temporary file can't be written");
  return path;
}

} // namespace model_server::testing
