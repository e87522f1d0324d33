// The network that a GGUF file holds.
#pragma once

#include "models/nets/decoder_spec.hpp"
#include "models/weights/gguf_file.hpp"
#include "models/weights/weight_folder.hpp"

namespace model_server {

/// Describes the network by the family that its metadata name, with the names
/// of the file's tensors, and with what converters change (gguf_traits.hpp).
/// Throws `std::runtime_error` that names file and key, or a tensor that the
/// architecture has no name for.
decoder_spec read_gguf_decoder(const gguf_file& file);

/// Describes the network of a folder by its config.json, or that of a GGUF
/// file. Names are those of the tensors there.
decoder_spec read_decoder_spec(const weight_folder& weights);

} // namespace model_server
