// Learns merges by counting pairs, and encodes by applying them in order.
#include "models/tiny-chat/bpe.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <stdexcept>

namespace model_server::tiny_chat {

struct word_splitter::pattern {
  pcre2_code* code;
  pcre2_match_data* match;
};

word_splitter::word_splitter() : pattern_(std::make_unique<pattern>()) {
  // The splitting rule that "ByteLevel" with use_regex stands for.
  constexpr const char rule[] =
      R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
  int error = 0;
  PCRE2_SIZE offset = 0;
  pattern_->code =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(rule), PCRE2_ZERO_TERMINATED,
                    PCRE2_UTF | PCRE2_UCP, &error, &offset, nullptr);
  if (!pattern_->code)
    throw std::runtime_error{"the splitting rule does not compile"};
  pattern_->match = pcre2_match_data_create(1, nullptr);
}

word_splitter::word_splitter(word_splitter&&) noexcept = default;

word_splitter::~word_splitter() {
  if (!pattern_)
    return; // moved from
  pcre2_match_data_free(pattern_->match);
  pcre2_code_free(pattern_->code);
}

std::vector<std::string_view>
word_splitter::split(std::string_view text) const {
  std::vector<std::string_view> words;
  auto data = reinterpret_cast<PCRE2_SPTR>(text.data());
  for (std::size_t at = 0; at < text.size();) {
    auto count = pcre2_match(pattern_->code, data, text.size(), at, 0,
                             pattern_->match, nullptr);
    if (count < 1)
      throw std::runtime_error{"not UTF-8: " + std::string{text}};
    auto* bounds = pcre2_get_ovector_pointer(pattern_->match);
    words.push_back(text.substr(bounds[0], bounds[1] - bounds[0]));
    at = bounds[1];
  }
  return words;
}

bpe::bpe() {
  for (const auto* spelling : added_tokens)
    pieces_.emplace_back(spelling);
  // The order of the bytes is that of the characters which stand for them in
  // tokenizer.json: first those that are printable, then the rest.
  auto is_printable = [](int byte) {
    return (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
  };
  for (auto wanted : {true, false})
    for (int byte = 0; byte < 256; ++byte)
      if (is_printable(byte) == wanted) {
        byte_tokens_[byte] = static_cast<token>(pieces_.size());
        pieces_.emplace_back(1, static_cast<char>(byte));
      }
}

bpe::token bpe::add_merge(token left, token right) {
  auto rank = static_cast<token>(merges_.size());
  merges_.emplace_back(left, right);
  // Two merges may make the same piece: it has one id.
  auto piece = pieces_[left] + pieces_[right];
  auto next_id = static_cast<token>(pieces_.size());
  auto [found, is_new] = ids_.emplace(piece, next_id);
  if (is_new)
    pieces_.push_back(std::move(piece));
  merged_.emplace(std::pair{left, right}, merge_result{rank, found->second});
  return found->second;
}

bpe bpe::learn(const std::map<std::string, std::int64_t>& weighted_texts,
               std::size_t vocabulary_size) {
  bpe result;
  std::map<std::string, std::int64_t> counts;
  for (const auto& [text, weight] : weighted_texts)
    for (auto word : result.splitter_.split(text))
      counts[std::string{word}] += weight;
  struct counted_word {
    std::vector<token> tokens;
    std::int64_t count;
  };
  std::vector<counted_word> words;
  for (const auto& [word, count] : counts) {
    counted_word next{{}, count};
    for (auto c : word)
      next.tokens.push_back(result.byte_tokens_[static_cast<unsigned char>(c)]);
    words.push_back(std::move(next));
  }
  while (result.size() < vocabulary_size) {
    std::map<std::pair<token, token>, std::int64_t> pairs;
    for (const auto& word : words)
      for (std::size_t i = 1; i < word.tokens.size(); ++i)
        pairs[{word.tokens[i - 1], word.tokens[i]}] += word.count;
    auto best = std::max_element(
        pairs.begin(), pairs.end(),
        [](const auto& a, const auto& b) { return a.second < b.second; });
    if (best == pairs.end())
      break; // every word is one piece
    auto [left, right] = best->first;
    auto id = result.add_merge(left, right);
    for (auto& word : words) {
      auto& tokens = word.tokens;
      for (std::size_t i = 1; i < tokens.size(); ++i)
        if (tokens[i - 1] == left && tokens[i] == right) {
          tokens[i - 1] = id;
          tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(i));
        }
    }
  }
  return result;
}

void bpe::encode_word(std::string_view word, double dropout,
                      random_source* random, std::vector<token>& result) const {
  std::vector<token> tokens;
  for (auto c : word)
    tokens.push_back(byte_tokens_[static_cast<unsigned char>(c)]);
  while (tokens.size() > 1) {
    std::size_t best_at = 0;
    merge_result best{-1, -1};
    for (std::size_t i = 1; i < tokens.size(); ++i) {
      auto found = merged_.find({tokens[i - 1], tokens[i]});
      if (found == merged_.end()
          || (best.rank >= 0 && found->second.rank >= best.rank))
        continue;
      if (dropout > 0 && random->chance(dropout))
        continue;
      best = found->second;
      best_at = i;
    }
    if (best.rank < 0)
      break;
    tokens[best_at - 1] = best.id;
    tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(best_at));
  }
  result.insert(result.end(), tokens.begin(), tokens.end());
}

std::vector<bpe::token> bpe::encode(std::string_view text, double dropout,
                                    random_source* random) const {
  std::vector<token> result;
  for (auto word : splitter_.split(text))
    encode_word(word, dropout, random, result);
  return result;
}

std::string bpe::decode(const std::vector<token>& tokens) const {
  std::string text;
  for (auto id : tokens)
    if (id >= static_cast<token>(std::size(added_tokens)))
      text += pieces_.at(static_cast<std::size_t>(id));
  return text;
}

} // namespace model_server::tiny_chat
