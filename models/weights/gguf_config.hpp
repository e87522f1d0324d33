// The config.json of the model that a GGUF file was made from.
#pragma once

#include "models/weights/gguf_file.hpp"

#include <rapidjson/document.h>

namespace model_server {

/// What the metadata and the shapes of a file say of the network, in the words
/// of the config.json that transformers writes for such a model: sizes, rope
/// and its scaling, windows, experts, scales, end tokens. What is no key there
/// is left out: how the numbers of the file differ from published ones is in
/// gguf_traits.hpp. A tensor of rope factors becomes `llama3` parameters if it
/// is what these give, else `longrope` factors, which say the same one by one.
/// Throws `std::runtime_error` that names file and key for an architecture that
/// is unknown and numbers that are missing or out of range.
rapidjson::Document gguf_config(const gguf_file& file);

} // namespace model_server
