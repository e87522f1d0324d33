// Writes a trained network as a Hugging Face folder.
#pragma once

#include "models/tiny-chat/bpe.hpp"
#include "models/tiny-chat/network.hpp"

#include <filesystem>

namespace model_server::tiny_chat {

/// Writes config.json, generation_config.json, tokenizer.json,
/// tokenizer_config.json and model.safetensors into an existing folder.
void write_model_folder(const std::filesystem::path& folder, const network& net,
                        const network_shape& shape, const bpe& tokenizer);

} // namespace model_server::tiny_chat
