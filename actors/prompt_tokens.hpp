// From prompts to tokens, and what is wrong with a prompt.
#pragma once

#include "actors/messages.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace model_server {

/// The tokens of a prompt, or what to tell the client. Exceptions of a broken
/// model pass through.
std::variant<std::vector<token_id>, failure>
tokens_of(const reply_prompt& prompt, const model_entry& entry,
          const model_info& info);

/// The text of tokens that begin a turn; may hold what is no UTF-8.
std::string text_of(std::span<const token_id> tokens, const model_entry& entry);

/// Why a prompt of so many tokens is refused.
failure prompt_is_too_long(std::size_t size, prompt_form form,
                           const model_info& info);

} // namespace model_server
