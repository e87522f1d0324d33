// What the header of one GGUF file claims, checked.
#pragma once

#include "models/weights/gguf_metadata.hpp"
#include "models/weights/tensor_view.hpp"

#include <cstddef>
#include <span>
#include <string>

namespace model_server {

/// One file; what is in it lies in the bytes that it was read from.
struct gguf_part {
  gguf_metadata metadata;
  tensor_map tensors;
};

/// Reads a whole file, version 2 or 3, little endian. Every claim is checked
/// before it is believed: counts, lengths, types, shapes, and that each tensor
/// lies in the data, aligned, without overlap. Apart from a fixed size for each
/// key and tensor, of which there are at most 65536 each, no memory is taken.
/// Throws `std::runtime_error` that begins with `where` and names the key or
/// tensor.
gguf_part read_gguf_part(std::span<const std::byte> bytes,
                         const std::string& where);

} // namespace model_server
