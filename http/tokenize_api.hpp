// /tokenize and /detokenize, as vLLM has them. Pure.
#pragma once

#include "actors/messages.hpp"
#include "http/error_reply.hpp"

#include <string>
#include <string_view>
#include <variant>

namespace model_server {

/// Reads the body of /tokenize: `prompt` or `messages`. `only_model` stands in
/// for a model that is not named; empty if there are several.
std::variant<tokenize, error_reply> read_tokenize(std::string_view body,
                                                  std::string_view only_model);

/// Reads the body of /detokenize.
std::variant<detokenize, error_reply>
read_detokenize(std::string_view body, std::string_view only_model);

/// `{"tokens","count","max_model_len"}`.
std::string tokenized_json(const tokenized& answer);

/// `{"prompt"}`, with U+FFFD for what is no character.
std::string detokenized_json(const detokenized& answer);

} // namespace model_server
