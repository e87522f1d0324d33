// From prompts to tokens, and what is wrong with a prompt.
#include "actors/prompt_tokens.hpp"

#include "actors/request_check.hpp"

#include <fmt/format.h>

namespace model_server {

namespace {

// Where a client wrote the prompt.
std::string param_of(prompt_form form) {
  return form == prompt_form::chat ? "messages" : "prompt";
}

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

std::variant<std::vector<token_id>, failure>
tokens_of(const reply_prompt& prompt, const model_entry& entry,
          const model_info& info) {
  if (auto what = check_tokens(prompt.tokens, param_of(prompt.form), info))
    return *what;
  try {
    return encode(prompt, entry);
  } catch (const bad_chat& refusal) {
    return failure{errc::bad_chat, refusal.what(), param_of(prompt.form), 0};
  }
}

std::string text_of(std::span<const token_id> tokens,
                    const model_entry& entry) {
  std::string result;
  for (auto id : tokens)
    result += entry.decode(id, result.empty());
  return result;
}

failure prompt_is_too_long(std::size_t size, prompt_form form,
                           const model_info& info) {
  return {errc::context_length_exceeded,
          fmt::format("the prompt has {} tokens, the model's context of {} "
                      "must hold it and the reply",
                      size, info.context_length),
          param_of(form), 0};
}

} // namespace model_server
