// Reads the tensors of a network as its description names them.
#pragma once

#include "models/nets/decoder_spec.hpp"
#include "models/nets/linear_weights.hpp"
#include "models/weights/weight_folder.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace model_server {

/// Every getter throws `std::runtime_error` that names a tensor which is
/// missing or has a wrong shape or format.
class matrix_reader {
public:
  /// The folder is kept by reference. `norm_offset` is added to the stored
  /// weights of every norm.
  explicit matrix_reader(const weight_folder& folder, double norm_offset = 0.0)
      : folder_(folder), norm_offset_(static_cast<float>(norm_offset)) {
  }

  /// The matrix as it is stored, in whatever format and perhaps not aligned;
  /// where it is mapped if it lies there as one piece.
  linear_weights raw(const matrix_source& source) const;

  /// The same as numbers that stand for themselves: in the format that they are
  /// stored in, or else as f32, or converted to `format`; aligned.
  linear_weights plain(const matrix_source& source,
                       std::optional<number_format> format) const {
    return plain(raw(source), format);
  }

  /// The packed one if the folder has that; else blocks of a GGUF file as they
  /// are, and other numbers as `plain`.
  linear_weights stored(const matrix_source& source,
                        const weight_form& form) const;

  /// A vector or a small table, by name; its numbers are `size`.
  std::vector<float> floats(const std::string& name,
                            std::vector<std::uint64_t> shape) const;

  /// Weight and bias of a norm over `size` numbers. With `{}` in the name there
  /// is a tensor for each of `parts` heads.
  struct norm_weights {
    std::vector<float> weight;
    std::vector<float> bias; // empty if it has none
  };
  norm_weights norm(const norm_spec& norm, std::size_t size,
                    std::vector<std::uint64_t> shape) const;
  norm_weights norm(const norm_spec& norm, std::size_t size) const {
    return this->norm(norm, size, {size});
  }

private:
  static linear_weights plain(linear_weights raw,
                              std::optional<number_format> format);
  linear_weights four_bits(const matrix_source& source) const;
  void join_pieces(const matrix_source& source, linear_weights& to) const;
  std::vector<float> bias(const matrix_source& source) const;

  const weight_folder& folder_;
  float norm_offset_;
};

/// Names the tensors as this folder does: other beginnings, and an embedding
/// that is stored as the head.
void resolve_names(decoder_spec& spec, const weight_folder& folder);

} // namespace model_server
