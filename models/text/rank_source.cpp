// A tokenizer from a list of ranks: bytes in base64 and a number a line, as
// tiktoken has it.
#include "models/text/base64.hpp"
#include "models/text/byte_alphabet.hpp"
#include "models/text/tokenizer_folder.hpp"
#include "models/text/word_patterns.hpp"

#include <fmt/format.h>

#include <charconv>
#include <functional>
#include <stdexcept>
#include <unordered_map>
#include <utility>

namespace model_server {

namespace {

struct ranked_token {
  std::string bytes;
  token_id rank;
};

std::vector<ranked_token> read_lines(std::string_view text) {
  std::vector<ranked_token> result;
  for (std::size_t number = 1; !text.empty(); ++number) {
    auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r'))
      line.remove_suffix(1);
    if (line.empty())
      continue;
    auto space = std::min(line.find(' '), line.size());
    auto digits = line.substr(std::min(space + 1, line.size()));
    token_id rank = -1;
    auto* last = digits.data() + digits.size();
    auto parsed = std::from_chars(digits.data(), last, rank);
    if (parsed.ec != std::errc{} || parsed.ptr != last || rank < 0
        || rank > max_token_id || space == 0)
      throw std::runtime_error{fmt::format(
          "line {} is no token in base64 and a rank from 0 to {}: \"{:.80}\"",
          number, max_token_id, line)};
    result.push_back({read_base64(line.substr(0, space)), rank});
    if (auto size = result.back().bytes.size(); size > max_cut_bytes)
      throw std::runtime_error{
          fmt::format("line {} is a token of {} bytes; the limit is {}", number,
                      size, max_cut_bytes)};
  }
  if (result.empty())
    throw std::runtime_error{"has no tokens"};
  return result;
}

std::string letters_of(std::string_view bytes) {
  std::string result;
  for (auto byte : bytes)
    result += byte_letter(static_cast<unsigned char>(byte));
  return result;
}

/// Any two neighbours that make a token are merged, the lowest rank first.
bpe_model make_model(const std::vector<ranked_token>& tokens,
                     const std::vector<bool>& is_control) {
  token_table vocabulary;
  vocabulary.reserve(tokens.size(), 0);
  std::unordered_map<std::string_view, token_id> ranks;
  for (auto& token : tokens) {
    vocabulary.add(letters_of(token.bytes), token.rank);
    ranks.emplace(token.bytes, token.rank);
  }
  bpe_options options;
  options.ignore_merges = true;
  bpe_model result{std::move(vocabulary), is_control, std::move(options)};
  result.reserve_merges(tokens.size() * 2);
  for (auto& token : tokens) {
    std::string_view all = token.bytes;
    for (std::size_t cut = 1; cut < all.size(); ++cut) {
      auto left = ranks.find(all.substr(0, cut));
      auto right = left == ranks.end() ? left : ranks.find(all.substr(cut));
      if (right != ranks.end())
        result.add_merge(left->second, right->second, token.rank,
                         static_cast<std::uint32_t>(token.rank));
    }
  }
  return result;
}

/// How the words are cut, which no file says.
std::string_view words_of(const std::filesystem::path& path,
                          const tokenizer_settings& settings) {
  auto name = path.filename().string();
  auto is = [&](std::string_view part) {
    return name.find(part) != std::string::npos;
  };
  if (is("qwen") || settings.tokenizer_class.starts_with("QWen"))
    return qwen_words;
  if (name == "tiktoken.model")
    return kimi_words;
  if (is("o200k") || settings.model_type == "gpt_oss")
    return gpt4o_words;
  if (is("cl100k") || name == "tokenizer.model")
    return gpt4_words;
  if (is("r50k") || is("p50k") || is("gpt2"))
    return gpt2_words;
  throw std::runtime_error{
      "how its words are cut is not known: its name has none of qwen, o200k, "
      "cl100k, p50k, r50k and gpt2"};
}

/// Qwen's first models name their control tokens in a program alone.
void add_qwen_tokens(token_id next, tokenizer_settings& settings) {
  auto add = [&](std::string content) {
    added_token token;
    token.content = std::move(content);
    token.id = next++;
    token.special = true;
    settings.added.push_back(std::move(token));
  };
  for (auto* name : {"<|endoftext|>", "<|im_start|>", "<|im_end|>"})
    add(name);
  for (int i = 0; i < 205; ++i)
    add(fmt::format("<|extra_{}|>", i));
}

tokenizer_parts make_parts(const std::vector<ranked_token>& tokens,
                           const std::filesystem::path& path,
                           tokenizer_settings settings) {
  auto pattern = words_of(path, settings);
  token_id end = 0;
  for (auto& token : tokens)
    end = std::max(end, token.rank + 1);
  if (pattern == qwen_words && settings.added.empty())
    add_qwen_tokens(end, settings);
  tokenizer_parts parts;
  parts.model = make_model(tokens, control_tokens(settings.added));
  if (pattern == qwen_words)
    parts.normal.add_unicode_form(unicode_form::nfc);
  parts.words.add_split(unicode_pattern{pattern}, split_behaviour::isolated,
                        false);
  parts.words.add_byte_level(false, false);
  parts.decoder.add_byte_level();
  parts.add_tokens(settings.tokens(vocabulary_of(parts.model)));
  // Llama 3 begins every text with one.
  auto begins =
      settings.flag("add_bos_token", path.filename() == "tokenizer.model");
  surround(parts, settings, begins ? "bos_token" : "", "");
  parts.finish();
  return parts;
}

} // namespace

tokenizer_parts read_ranks(std::string_view text,
                           const std::filesystem::path& path,
                           const tokenizer_settings& settings) {
  try {
    return make_parts(read_lines(text), path, settings);
  } catch (const std::runtime_error& e) {
    throw std::runtime_error{path.string() + ": " + e.what()};
  }
}

} // namespace model_server
