// Reads and distrusts the tokens of a GGUF file.
#include "models/weights/gguf_vocabulary.hpp"

#include "models/text/token_table.hpp"
#include "models/text/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

namespace model_server {

namespace {

constexpr std::string_view tokens_key = "tokenizer.ggml.tokens";

// How chat models spell the end of a turn. `<|end|>` is not one where a model
// has `<|return|>`: there it ends a part of a reply.
constexpr std::array<std::string_view, 16> end_spellings{
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|eom_id|>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "<|end_of_turn|>",
    "<|endofmessage|>",
    "<|END_OF_TURN_TOKEN|>",
    "<｜end▁of▁sentence｜>"};

// An array with one element for each token, if it is there.
std::optional<gguf_elements> one_each(const gguf_metadata& metadata,
                                      std::string_view key,
                                      std::optional<gguf_value> value,
                                      std::size_t count) {
  if (!value)
    return std::nullopt;
  if (value->count != count)
    metadata.refuse(key, fmt::format("but there are {} tokens", count));
  return gguf_elements{*value};
}

bool has_token(const std::vector<gguf_token>& tokens, std::string_view text) {
  return std::ranges::find(tokens, text, &gguf_token::text) != tokens.end();
}

} // namespace

std::vector<gguf_token> read_gguf_tokens(const gguf_metadata& metadata) {
  auto list = metadata.strings(tokens_key);
  if (!list)
    throw std::runtime_error(
        fmt::format("{}: `{}` is missing", metadata.where(), tokens_key));
  if (list->count == 0 || list->count > max_token_id)
    metadata.refuse(tokens_key,
                    fmt::format("must have from 1 to {}", max_token_id));
  auto count = static_cast<std::size_t>(list->count);
  constexpr std::string_view scores_key = "tokenizer.ggml.scores";
  auto scores =
      one_each(metadata, scores_key, metadata.numbers(scores_key), count);
  constexpr std::string_view kinds_key = "tokenizer.ggml.token_type";
  auto kinds =
      one_each(metadata, kinds_key, metadata.integers(kinds_key), count);
  gguf_elements texts{*list};
  std::vector<gguf_token> result(count);
  for (std::size_t id = 0; id < count; ++id) {
    auto& token = result[id];
    token.text = texts.next_string();
    if (!is_valid_utf8(token.text))
      metadata.refuse(tokens_key, fmt::format("token {} is not UTF-8", id));
    if (scores)
      token.score = static_cast<float>(scores->next_number());
    if (!std::isfinite(token.score))
      metadata.refuse(scores_key, fmt::format("that of {} is no number", id));
    auto kind = kinds ? kinds->next_integer() : 1;
    if (kind < 1 || kind > 6)
      metadata.refuse(
          kinds_key,
          fmt::format("that of {} is {}, kinds are from 1 to 6", id, kind));
    token.kind = static_cast<gguf_token_kind>(kind);
  }
  return result;
}

std::optional<token_id> gguf_token_id(const gguf_metadata& metadata,
                                      std::string_view key, std::size_t count) {
  // Some converters write -1 for none.
  auto id = metadata.integer(key, -1, static_cast<std::int64_t>(count) - 1);
  if (!id || *id < 0)
    return std::nullopt;
  return static_cast<token_id>(*id);
}

std::vector<token_id> gguf_end_tokens(const gguf_metadata& metadata) {
  auto tokens = read_gguf_tokens(metadata);
  std::vector<token_id> result;
  for (auto key : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
                   "tokenizer.ggml.eom_token_id"})
    if (auto id = gguf_token_id(metadata, key, tokens.size()))
      result.push_back(*id);
  auto has_return = has_token(tokens, "<|return|>");
  for (std::size_t id = 0; id < tokens.size(); ++id)
    if (tokens[id].kind == gguf_token_kind::control
        && std::ranges::find(end_spellings, tokens[id].text)
               != end_spellings.end()
        && !(has_return && tokens[id].text == "<|end|>"))
      result.push_back(static_cast<token_id>(id));
  std::ranges::sort(result);
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

} // namespace model_server
