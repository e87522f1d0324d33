// Logprobs in the shape that OpenAI's clients read.
#pragma once

#include "actors/messages.hpp"
#include "http/json.hpp"

#include <cstddef>
#include <span>

namespace model_server {

/// Writes the list that is `content` in `write_logprobs`.
void write_token_logprobs(json_text& out, std::span<const token> tokens);

/// Writes `{"content":[{"token","logprob","bytes","top_logprobs":[...]}]}`.
/// `bytes` is what the token is; `token` shows it, with U+FFFD for what is no
/// character by itself.
void write_logprobs(json_text& out, std::span<const token> tokens);

/// Writes the shape of completions, `{"tokens","token_logprobs","top_logprobs",
/// "text_offset"}`. `offset` is how many characters the tokens before these
/// have; those of these are added.
void write_completion_logprobs(json_text& out, std::span<const token> tokens,
                               std::size_t& offset);

} // namespace model_server
