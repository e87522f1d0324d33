// A tokenizer from vocab.json and merges.txt, as GPT-2 was published.
#include "models/text/model_readers.hpp"
#include "models/text/part_readers.hpp"
#include "models/text/tokenizer_folder.hpp"
#include "models/text/word_patterns.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace model_server {

namespace {

constexpr std::size_t max_file_bytes = std::size_t{64} << 20;

/// A merge a line, its two tokens with a space between; the first line may
/// name a version.
void read_merges(std::string_view text, bpe_model& result) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r'))
      line.remove_suffix(1);
    if (line.empty() || (number == 1 && line.starts_with("#version")))
      continue;
    auto space = line.find(' ');
    if (space == std::string_view::npos
        || line.find(' ', space + 1) != std::string_view::npos)
      throw std::runtime_error{fmt::format(
          "line {} is not a pair of tokens: \"{:.80}\"", number, line)};
    result.add_merge(line.substr(0, space), line.substr(space + 1));
  }
}

token_table read_vocabulary_file(const std::filesystem::path& path) {
  auto json = read_text_file(path, max_file_bytes);
  constexpr std::string_view left[] = {""}; // all of it
  json_document document{json, path.string(), left};
  return read_vocabulary(json_node{document.root(), path.string()});
}

bool is_qwen(const tokenizer_settings& settings) {
  return settings.tokenizer_class.starts_with("Qwen2")
         || settings.model_type.starts_with("qwen");
}

void add_words(const tokenizer_settings& settings, tokenizer_parts& parts) {
  if (is_qwen(settings)) {
    parts.normal.add_unicode_form(unicode_form::nfc);
    parts.words.add_split(unicode_pattern{qwen_words},
                          split_behaviour::isolated, false);
    parts.words.add_byte_level(false, false);
  } else {
    parts.words.add_byte_level(settings.flag("add_prefix_space", false), true);
  }
  parts.decoder.add_byte_level();
}

} // namespace

tokenizer_parts read_vocabulary_and_merges(const std::filesystem::path& folder,
                                           const tokenizer_settings& settings) {
  if (settings.tokenizer_class == "CLIPTokenizer")
    throw std::runtime_error{
        folder.string()
        + ": a CLIPTokenizer without tokenizer.json is not supported"};
  auto path = folder / "vocab.json";
  auto vocabulary = read_vocabulary_file(path);
  auto tokens = settings.tokens(vocabulary);
  bpe_model model{std::move(vocabulary), control_tokens(tokens), {}};
  path = folder / "merges.txt";
  auto text = read_text_file(path, max_file_bytes);
  tokenizer_parts parts;
  try {
    read_merges(text, model);
    parts.model = std::move(model);
    add_words(settings, parts);
    parts.add_tokens(std::move(tokens));
  } catch (const std::runtime_error& e) {
    throw std::runtime_error{path.string() + ": " + e.what()};
  }
  auto is_roberta = settings.tokenizer_class.starts_with("Roberta");
  auto begins = settings.flag("add_bos_token", false);
  surround(parts, settings,
           is_roberta ? "cls_token"
           : begins   ? "bos_token"
                      : "",
           is_roberta ? "sep_token" : "");
  parts.finish();
  return parts;
}

} // namespace model_server
