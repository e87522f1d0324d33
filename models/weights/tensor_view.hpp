// A tensor where it lies in a weight file.
#pragma once

#include "models/weights/number_format.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace model_server {

/// A tensor where it lies in the file; valid while the file is mapped.
struct tensor_view {
  number_format format = number_format::f32;
  std::vector<std::uint64_t> shape;
  /// Row by row, little-endian; not always aligned.
  std::span<const std::byte> bytes;
};

/// The tensors of a file by name.
using tensor_map = std::map<std::string, tensor_view, std::less<>>;

} // namespace model_server
