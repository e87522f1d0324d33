// All weights of a model folder, in one file or many.
#pragma once

#include "models/weights/gguf_file.hpp"
#include "models/weights/safetensors.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// The .gguf file that a path means: the path itself, or the only one (or the
/// first part of the only one) of a folder without other weights. Nothing if
/// the folder has none. Throws `std::runtime_error` if it has several.
std::optional<std::filesystem::path>
find_gguf(const std::filesystem::path& path);

/// The tensors of a folder: `model.safetensors`, or the files that
/// `model.safetensors.index.json` lists, which must lie in the folder itself,
/// or a .gguf file, which may also be named itself.
class weight_folder {
public:
  /// Throws `std::runtime_error` that names the file and what is wrong.
  explicit weight_folder(const std::filesystem::path& path);

  /// All of them, by name.
  const std::map<std::string, const tensor_view*, std::less<>>&
  tensors() const {
    return tensors_;
  }

  /// Null if there is none of this name.
  const tensor_view* find(std::string_view name) const;

  const std::filesystem::path& path() const {
    return folder_;
  }

  /// Null if the tensors do not come from such a file.
  const gguf_file* gguf() const {
    return gguf_ ? &*gguf_ : nullptr;
  }

  /// Throws `std::runtime_error` if the tensor is missing, has another shape
  /// or holds other numbers than F32, F16, BF16 or blocks of a GGUF file.
  const tensor_view& require(std::string_view name,
                             const std::vector<std::uint64_t>& shape) const;

  /// The same for a tensor of bytes.
  const tensor_view&
  require_bytes(std::string_view name,
                const std::vector<std::uint64_t>& shape) const;

private:
  const tensor_view&
  require_shape(std::string_view name,
                const std::vector<std::uint64_t>& shape) const;
  void read_index(const std::filesystem::path& index);

  std::filesystem::path folder_;
  std::vector<safetensors_file> files_;
  std::optional<gguf_file> gguf_;
  std::map<std::string, const tensor_view*, std::less<>> tensors_;
};

} // namespace model_server
