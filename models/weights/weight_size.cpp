// Adds up the sizes of weight files.
#include "models/weights/weight_size.hpp"

#include "config/part_name.hpp"

#include <string_view>
#include <system_error>

namespace model_server {

namespace fs = std::filesystem;

namespace {

std::uint64_t size_of(const fs::path& file) {
  std::error_code problem;
  auto size = fs::file_size(file, problem);
  return problem ? 0 : size;
}

std::uint64_t bytes_in(const fs::path& folder, std::string_view extension) {
  std::uint64_t result = 0;
  std::error_code problem;
  for (fs::directory_iterator at{folder, problem}, end; !problem && at != end;
       at.increment(problem)) {
    // The same weights once more, in the publisher's own form.
    auto is_copy = at->path().filename().string().starts_with("consolidated");
    if (at->path().extension() == extension && !is_copy)
      result += size_of(at->path());
  }
  return result;
}

} // namespace

std::uint64_t weight_bytes(const fs::path& path) {
  if (path.extension() == ".gguf") {
    auto part = read_part_name(path.filename().string());
    if (!part)
      return size_of(path);
    std::uint64_t result = 0;
    for (part->number = 1; part->number <= part->count; ++part->number)
      result += size_of(path.parent_path() / part->file());
    return result;
  }
  if (auto single = size_of(path / "model.safetensors"))
    return single;
  if (auto several = bytes_in(path, ".safetensors"))
    return several;
  return bytes_in(path, ".gguf");
}

} // namespace model_server
