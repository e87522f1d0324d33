// One .safetensors file: named tensors in mapped memory.
#pragma once

#include "models/weights/mapped_file.hpp"
#include "models/weights/tensor_view.hpp"

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace model_server {

/// The tensors of one file. Every claim of its header is checked before it is
/// believed: formats, shapes, sizes, and that the tensors cover the data
/// without gap or overlap.
class safetensors_file {
public:
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
