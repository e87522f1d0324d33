// Packed matrices in a model folder: how they are called and found there.
#pragma once

#include "models/kernels/packed_matrix.hpp"
#include "models/nets/matrix_source.hpp"
#include "models/weights/weight_folder.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace model_server {

// A packed matrix lies in a .safetensors file as a tensor of bytes, U8
// [blocks, bytes of a block], under the name of the matrix and its format:
// `model.embed_tokens.weight.int8`. It begins at a multiple of 64 bytes of the
// file, so that it can be used where it is mapped.

/// `int8`, `int4`, `bf16`, or what a matrix can only have been packed from:
/// `q4_k` and so on.
std::string_view to_string(packed_format format);

/// The format that is called so, of those in which matrices can be packed.
std::optional<packed_format> packed_format_named(std::string_view name);

/// In which format this matrix is packed if that is asked for: as asked for,
/// but those of tokens never in 4 bits: as bytes instead.
packed_format format_of_matrix(const matrix_source& matrix,
                               packed_format wanted);

/// What a packed matrix of this name is called in a file.
std::string packed_name(std::string_view matrix, packed_format format);

/// The packed matrix of this name and size; nothing if there is none. Throws
/// `std::runtime_error` that names a tensor whose shape or place is not that of
/// such a matrix.
std::optional<packed_view> find_packed(const weight_folder& folder,
                                       std::string_view matrix,
                                       std::size_t rows, std::size_t columns);

/// Whether the folder has a matrix of this name, in whatever form.
bool has_matrix(const weight_folder& folder, std::string_view matrix);

} // namespace model_server
