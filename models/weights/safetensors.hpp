// One .safetensors file: named tensors in mapped memory.
#pragma once

#include "models/weights/mapped_file.hpp"
#include "models/weights/number_format.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// A tensor where it lies in the file; valid while the file is mapped.
struct tensor_view {
  number_format format = number_format::f32;
  std::vector<std::uint64_t> shape;
  /// Row by row, little-endian; not always aligned.
  std::span<const std::byte> bytes;
};

/// The tensors of one file. Every claim of its header is checked before it is
/// believed: formats, shapes, sizes, and that the tensors cover the data
/// without gap or overlap.
class safetensors_file {
public:
  using tensor_map = std::map<std::string, tensor_view, std::less<>>;

  /// A header may not be larger than this, in bytes.
  static constexpr std::uint64_t max_header_bytes = 100'000'000;

  /// Throws `std::runtime_error` that names file and tensor.
  explicit safetensors_file(const std::filesystem::path& path);

  const tensor_map& tensors() const {
    return tensors_;
  }

  /// Null if there is none of this name.
  const tensor_view* find(std::string_view name) const;

private:
  mapped_file file_;
  tensor_map tensors_;
};

} // namespace model_server
