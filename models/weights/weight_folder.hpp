// All weights of a model folder, in one file or many.
#pragma once

#include "models/weights/safetensors.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// The tensors of a folder: `model.safetensors`, or the files that
/// `model.safetensors.index.json` lists, which must lie in the folder itself.
class weight_folder {
public:
  /// Throws `std::runtime_error` that names the file and what is wrong.
  explicit weight_folder(const std::filesystem::path& folder);

  /// All of them, by name.
  const std::map<std::string, const tensor_view*, std::less<>>&
  tensors() const {
    return tensors_;
  }

  /// Null if there is none of this name.
  const tensor_view* find(std::string_view name) const;

  /// Throws `std::runtime_error` if the tensor is missing, has another shape
  /// or holds other numbers than F32, F16 or BF16.
  const tensor_view& require(std::string_view name,
                             const std::vector<std::uint64_t>& shape) const;

private:
  void read_index(const std::filesystem::path& index);

  std::filesystem::path folder_;
  std::vector<safetensors_file> files_;
  std::map<std::string, const tensor_view*, std::less<>> tensors_;
};

} // namespace model_server
