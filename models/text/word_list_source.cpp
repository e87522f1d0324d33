// A tokenizer from vocab.txt, a token a line, as BERT was published.
#include "models/text/tokenizer_folder.hpp"

#include <stdexcept>
#include <utility>

namespace model_server {

namespace {

token_table read_lines(std::string_view text) {
  token_table result;
  for (std::int64_t id = 0; !text.empty(); ++id) {
    auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r'))
      line.remove_suffix(1);
    result.add(line, id);
  }
  if (result.count() == 0)
    throw std::runtime_error{"has no tokens"};
  return result;
}

/// BERT's control tokens, where no file names others.
void add_usual_names(const token_table& vocabulary,
                     tokenizer_settings& settings) {
  constexpr std::pair<const char*, const char*> usual[] = {
      {"unk_token", "[UNK]"}, {"sep_token", "[SEP]"},   {"pad_token", "[PAD]"},
      {"cls_token", "[CLS]"}, {"mask_token", "[MASK]"},
  };
  for (auto [purpose, spelling] : usual)
    if (vocabulary.find(spelling)) {
      added_token token;
      token.content = spelling;
      token.special = true;
      settings.named.try_emplace(purpose, std::move(token));
    }
}

tokenizer_parts make_parts(std::string_view text, tokenizer_settings settings) {
  auto vocabulary = read_lines(text);
  add_usual_names(vocabulary, settings);
  auto tokens = settings.tokens(vocabulary);
  word_piece_options options;
  if (auto unknown = settings.named.find("unk_token");
      unknown != settings.named.end())
    options.unknown = vocabulary.find(unknown->second.content);
  tokenizer_parts parts;
  parts.model = word_piece_model{std::move(vocabulary), control_tokens(tokens),
                                 std::move(options)};
  bert_cleaning cleaning;
  cleaning.lowercase = settings.flag("do_lower_case", true);
  cleaning.strip_accents = settings.flag("strip_accents", cleaning.lowercase);
  cleaning.chinese_apart = settings.flag("tokenize_chinese_chars", true);
  parts.normal.add_bert(cleaning);
  parts.words.add_bert();
  parts.decoder.add_word_piece("##", true);
  parts.add_tokens(std::move(tokens));
  surround(parts, settings, "cls_token", "sep_token");
  parts.finish();
  return parts;
}

} // namespace

tokenizer_parts read_word_list(std::string_view text, const std::string& origin,
                               const tokenizer_settings& settings) {
  try {
    return make_parts(text, settings);
  } catch (const std::runtime_error& e) {
    throw std::runtime_error{origin + ": " + e.what()};
  }
}

} // namespace model_server
