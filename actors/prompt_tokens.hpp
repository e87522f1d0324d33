// From prompts to tokens, and what is wrong with a prompt.
#pragma once

#include "actors/messages.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace model_server {

/// Where a client wrote the prompt: a field of the body.
std::string param_of(prompt_form form, request_task task = request_task::reply);

/// The tokens of a prompt, or what to tell the client, who wrote it in `param`.
/// Exceptions of a broken model pass through.
std::variant<std::vector<token_id>, failure>
tokens_of(const reply_prompt& prompt, const std::string& param,
          const model_entry& entry, const model_info& info);

/// The text of tokens that begin a turn; may hold what is no UTF-8.
std::string text_of(std::span<const token_id> tokens, const model_entry& entry);

/// Why a prompt of so many tokens is refused; nothing if it fits the context.
std::optional<failure> check_size(std::size_t size, const std::string& param,
                                  request_task task, const model_info& info);

} // namespace model_server
