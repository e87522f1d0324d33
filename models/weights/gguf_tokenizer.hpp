// The tokenizer and the chat templates in the metadata of a GGUF file.
#pragma once

#include "models/text/tokenizer.hpp"
#include "models/weights/gguf_metadata.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace model_server {

/// The tokenizer.json that a model would have whose GGUF file says this.
/// `tokenizer.ggml.model` may be `llama` (SentencePiece pairs by score), `gpt2`
/// (byte pairs with merges), `bert` (WordPiece) or `t5` (Unigram). Throws
/// `std::runtime_error` that names file and key.
std::string gguf_tokenizer_json(const gguf_metadata& metadata);

/// The tokenizer that this describes. Throws as `gguf_tokenizer_json` and
/// `tokenizer::from_json` do.
tokenizer read_gguf_tokenizer(const gguf_metadata& metadata);

/// The chat template of this name, `tool_use` say, or without a name the one
/// for everything; nothing if the file has none.
std::optional<std::string_view>
gguf_chat_template(const gguf_metadata& metadata, std::string_view name = {});

/// How the model spells its special tokens, by the names that chat templates
/// use: `bos_token`, `eos_token`, `unk_token`, `pad_token` and so on.
std::vector<std::pair<std::string, std::string>>
gguf_special_tokens(const gguf_metadata& metadata);

} // namespace model_server
