// From prompts to tokens, and what is wrong with a prompt.
#include "actors/prompt_tokens.hpp"

#include "actors/request_check.hpp"

#include <fmt/format.h>

namespace model_server {

namespace {

std::vector<token_id> encode(const reply_prompt& prompt,
                             const model_entry& entry) {
  switch (prompt.form) {
  case prompt_form::chat:
    return entry.encode(prompt.conversation);
  case prompt_form::text:
    return entry.encode_text(prompt.text);
  case prompt_form::tokens:
    break;
  }
  return prompt.tokens;
}

} // namespace

std::string param_of(prompt_form form, request_task task) {
  if (task == request_task::embedding)
    return "input";
  return form == prompt_form::chat ? "messages" : "prompt";
}

std::variant<std::vector<token_id>, failure>
tokens_of(const reply_prompt& prompt, const std::string& param,
          const model_entry& entry, const model_info& info) {
  if (auto what = check_tokens(prompt.tokens, param, info))
    return *what;
  try {
    return encode(prompt, entry);
  } catch (const bad_chat& refusal) {
    return failure{errc::bad_chat, refusal.what(), param, 0};
  }
}

std::string text_of(std::span<const token_id> tokens,
                    const model_entry& entry) {
  std::string result;
  for (auto id : tokens)
    result += entry.decode(id, result.empty());
  return result;
}

std::optional<failure> check_size(std::size_t size, const std::string& param,
                                  request_task task, const model_info& info) {
  auto is_embedding = task == request_task::embedding;
  // The first token of a reply needs a place, too.
  if (size + (is_embedding ? 0 : 1) <= info.context_length)
    return std::nullopt;
  auto words = is_embedding
                   ? fmt::format("the input has {} tokens, the model's context "
                                 "has {}",
                                 size, info.context_length)
                   : fmt::format("the prompt has {} tokens, the model's "
                                 "context of {} must hold it and the reply",
                                 size, info.context_length);
  return failure{errc::context_length_exceeded, std::move(words), param, 0};
}

} // namespace model_server
