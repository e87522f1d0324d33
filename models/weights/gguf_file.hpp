// One model in the GGUF format: metadata and tensors in mapped memory.
#pragma once

#include "models/weights/gguf_part.hpp"
#include "models/weights/mapped_file.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// A model in one .gguf file or in several, `NAME-00001-of-00003.gguf` and so
/// on, which are opened as one: the tensors of all, the metadata of the first.
/// Shapes are in the order of the rest of the project, rows first: a matrix is
/// [outputs, inputs]. What is believed of a file is in gguf_part.hpp.
class gguf_file {
public:
  /// Opens a file, and those that belong to it. Throws `std::runtime_error`
  /// that names the file, the key or tensor and what is wrong.
  explicit gguf_file(const std::filesystem::path& path);

  /// The same from memory that outlives this, a model in one piece; `where`
  /// names it in errors.
  gguf_file(std::span<const std::byte> bytes, const std::string& where);

  const gguf_metadata& metadata() const {
    return content_.metadata;
  }

  /// All of them, by the names of the file.
  const tensor_map& tensors() const {
    return content_.tensors;
  }

  /// Null if there is none of this name.
  const tensor_view* find(std::string_view name) const;

  /// Throws `std::runtime_error` if the tensor is missing or has another shape.
  const tensor_view& require(std::string_view name,
                             std::initializer_list<std::uint64_t> shape) const;

private:
  void add_part(const std::filesystem::path& path, std::int64_t number,
                std::int64_t count);

  std::vector<mapped_file> files_;
  gguf_part content_;
};

} // namespace model_server
