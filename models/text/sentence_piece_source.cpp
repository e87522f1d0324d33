// A tokenizer from a SentencePiece model.
#include "models/text/sentence_piece_file.hpp"
#include "models/text/tokenizer_folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <utility>

namespace model_server {

namespace {

const std::string space_letter = "\u2581";

void refuse_what_is_rare(const sentence_piece_file& file) {
  using enum sentence_piece_file::model_kind;
  if (file.model != unigram && file.model != bpe)
    throw std::runtime_error{"only models of BPE and Unigram are supported"};
  if (file.space_is_suffix || !file.escape_spaces)
    throw std::runtime_error{
        "spaces at the end of words, or as they are, are not supported"};
  for (auto& piece : file.pieces)
    if (piece.kind == piece_kind::unused)
      throw std::runtime_error{fmt::format(
          "an unused piece, \"{:.80}\", is not supported", piece.text)};
}

std::optional<token_id> unknown_of(const sentence_piece_file& file) {
  for (std::size_t i = 0; i < file.pieces.size(); ++i)
    if (file.pieces[i].kind == piece_kind::unknown)
      return static_cast<token_id>(i);
  return std::nullopt;
}

/// What a piece and its neighbour make has the rank of its score; equal scores
/// are merged from the left to the right.
bpe_model make_bpe(const sentence_piece_file& file, token_table vocabulary,
                   const std::vector<bool>& not_in_text) {
  std::vector<float> scores;
  for (auto& piece : file.pieces)
    if (piece.kind == piece_kind::normal)
      scores.push_back(piece.score);
  std::sort(scores.begin(), scores.end(), std::greater{});
  scores.erase(std::unique(scores.begin(), scores.end()), scores.end());
  bpe_options options;
  options.unknown = unknown_of(file);
  options.fuse_unknown = true;
  options.byte_fallback = file.byte_fallback;
  bpe_model result{std::move(vocabulary), not_in_text, std::move(options)};
  auto find = [&](std::string_view text) {
    auto id = result.vocabulary().find(text);
    return id && !not_in_text[static_cast<std::size_t>(*id)] ? *id : -1;
  };
  for (std::size_t i = 0; i < file.pieces.size(); ++i) {
    auto& piece = file.pieces[i];
    if (not_in_text[i])
      continue;
    if (piece.text.size() > max_cut_bytes)
      throw std::runtime_error{
          fmt::format("piece {} has {} bytes; the limit is {}", i,
                      piece.text.size(), max_cut_bytes)};
    auto rank = std::lower_bound(scores.begin(), scores.end(), piece.score,
                                 std::greater{})
                - scores.begin();
    for (std::size_t cut = 1; cut < piece.text.size(); ++cut) {
      auto left = find(piece.text.substr(0, cut));
      auto right = left < 0 ? -1 : find(piece.text.substr(cut));
      if (right >= 0)
        result.add_merge(left, right, static_cast<token_id>(i),
                         static_cast<std::uint32_t>(rank));
    }
  }
  return result;
}

unigram_model make_unigram(const sentence_piece_file& file,
                           token_table vocabulary,
                           const std::vector<bool>& not_in_text) {
  std::vector<double> scores;
  for (auto& piece : file.pieces)
    scores.push_back(piece.score);
  unigram_options options;
  options.unknown = unknown_of(file);
  options.byte_fallback = file.byte_fallback;
  options.single_precision = true;
  return {std::move(vocabulary), std::move(scores), not_in_text, options};
}

void add_rules(const sentence_piece_file& file,
               const tokenizer_settings& settings, tokenizer_parts& parts) {
  auto& rules = parts.normal;
  auto prefix = settings.flag("add_prefix_space", file.add_prefix);
  // Newer files want the space at the front of the whole prompt alone.
  auto each_part = settings.flag("legacy", true);
  // Where spaces stay, so does one before text that comes to nothing.
  if (prefix && each_part && !file.remove_extra_spaces)
    rules.add_prepend(space_letter);
  if (!file.charsmap.empty()) {
    charsmap map{file.charsmap};
    for (auto& piece : file.pieces)
      if (piece.kind == piece_kind::user_defined && !piece.text.empty())
        map.keep(piece.text);
    rules.add_charsmap(std::move(map), true);
  }
  if (file.remove_extra_spaces) {
    rules.add_replace(unicode_pattern{" {2,}"}, " ");
    rules.add_replace(unicode_pattern{R"(\A | \z)"}, "");
    if (prefix && each_part)
      rules.add_prepend(space_letter);
  }
  rules.add_replace(unicode_pattern::literal(" "), space_letter);
  if (file.remove_extra_spaces)
    rules.add_replace(
        unicode_pattern{fmt::format(R"((?<!{0}){0}+\z)", space_letter)}, "");
  if (prefix && !each_part)
    parts.words.add_metaspace(space_letter, prefix_rule::first, false);
  parts.decoder.add_replace(unicode_pattern::literal(space_letter), " ");
  parts.decoder.add_byte_fallback();
  parts.decoder.add_fuse();
  if (prefix)
    parts.decoder.add_strip(" ", 1, 0);
}

/// Tokens of the settings may take the place of a piece that was kept free for
/// them (InternLM 2). Control pieces are control tokens; user-defined ones are
/// looked for as they are in text that was rewritten.
void add_pieces(const sentence_piece_file& file,
                const tokenizer_settings& settings, tokenizer_parts& parts) {
  auto tokens = settings.tokens(vocabulary_of(parts.model));
  auto is_there = [&](std::string_view text, token_id id) {
    return std::any_of(tokens.begin(), tokens.end(), [&](auto& token) {
      return token.content == text || token.id == id;
    });
  };
  std::vector<added_token> user_defined;
  for (std::size_t i = 0; i < file.pieces.size(); ++i) {
    auto& piece = file.pieces[i];
    added_token token;
    token.content = piece.text;
    token.id = static_cast<token_id>(i);
    if (is_there(token.content, token.id))
      continue;
    if (piece.kind == piece_kind::control
        || piece.kind == piece_kind::unknown) {
      token.special = true;
      tokens.push_back(std::move(token));
    } else if (piece.kind == piece_kind::user_defined) {
      token.normalized = true;
      user_defined.push_back(std::move(token));
    }
  }
  auto was_kept_free = [&](token_id id) {
    auto index = static_cast<std::size_t>(id);
    return index < file.pieces.size()
           && (file.pieces[index].kind == piece_kind::user_defined
               || file.pieces[index].kind == piece_kind::unused);
  };
  for (auto& token : tokens) {
    auto may_replace = was_kept_free(token.id);
    parts.add_tokens({std::move(token)}, may_replace);
  }
  parts.added.start_ids_at(file.pieces.size());
  for (auto& token : user_defined)
    parts.added.add(std::move(token), normalizer{});
}

tokenizer_parts make_parts(const sentence_piece_file& file,
                           const tokenizer_settings& settings) {
  refuse_what_is_rare(file);
  token_table vocabulary;
  std::vector<bool> not_in_text;
  for (auto& piece : file.pieces) {
    vocabulary.add(piece.text, static_cast<std::int64_t>(not_in_text.size()));
    not_in_text.push_back(piece.kind != piece_kind::normal);
  }
  tokenizer_parts parts;
  if (file.model == sentence_piece_file::model_kind::bpe)
    parts.model = make_bpe(file, std::move(vocabulary), not_in_text);
  else
    parts.model = make_unigram(file, std::move(vocabulary), not_in_text);
  add_rules(file, settings, parts);
  add_pieces(file, settings, parts);
  auto is_t5 = settings.tokenizer_class.starts_with("T5");
  auto begins = settings.flag("add_bos_token", !is_t5);
  auto ends = settings.flag("add_eos_token", is_t5);
  surround(parts, settings, begins ? "bos_token" : "", ends ? "eos_token" : "");
  parts.finish();
  return parts;
}

/// Where no other file is there, a control piece `<s>` begins a text.
void name_begin(const sentence_piece_file& file, tokenizer_settings& settings) {
  for (auto& piece : file.pieces)
    if (piece.kind == piece_kind::control && piece.text == "<s>"
        && settings.named.empty()) {
      added_token token;
      token.content = piece.text;
      token.special = true;
      settings.named.emplace("bos_token", std::move(token));
    }
}

} // namespace

tokenizer_parts read_sentence_piece(std::string_view bytes,
                                    const std::string& origin,
                                    tokenizer_settings settings) {
  try {
    auto file = read_sentence_piece_file(bytes);
    name_begin(file, settings);
    return make_parts(file, settings);
  } catch (const std::runtime_error& e) {
    throw std::runtime_error{origin + ": " + e.what()};
  }
}

} // namespace model_server
