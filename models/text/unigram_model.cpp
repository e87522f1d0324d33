// Keeps, for every place of the word, the best way to come there.
#include "models/text/unigram_model.hpp"

#include "models/text/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace model_server {

namespace {

/// An unknown character costs that much more than the unlikeliest token.
constexpr double unknown_penalty = 10;

/// The best way to a place: its sum, its last token, where that begins.
struct way {
  double score = 0;
  std::int64_t begin = -1;
  token_id last = -1;
};

} // namespace

unigram_model::unigram_model(token_table vocabulary, std::vector<double> scores,
                             const std::vector<bool>& is_control,
                             unigram_options options)
    : vocabulary_(std::move(vocabulary)),
      scores_(std::move(scores)),
      options_(options) {
  auto lowest = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < vocabulary_.end_id(); ++i) {
    auto id = static_cast<token_id>(i);
    if (!vocabulary_.has(id))
      continue;
    lowest = std::min(lowest, scores_[i]);
    auto spelling = vocabulary_.spelling(id);
    if (!spelling.empty() && !(i < is_control.size() && is_control[i]))
      pieces_.add(spelling, id);
  }
  unknown_score_ = lowest - unknown_penalty;
  for (unsigned byte = 0; byte < 256; ++byte)
    byte_tokens_[byte] =
        vocabulary_.find(fmt::format("<0x{:02X}>", byte)).value_or(-1);
}

void unigram_model::encode(std::string_view word,
                           std::vector<token_id>& out) const {
  constexpr token_id no_token = -1;
  std::vector<way> best(word.size() + 1);
  auto offer = [&](std::size_t begin, std::size_t end, double score,
                   token_id id) {
    auto& there = best[end];
    auto sum = score + best[begin].score;
    if (there.begin < 0 || sum > there.score)
      there = {sum, static_cast<std::int64_t>(begin), id};
  };
  for (std::size_t begin = 0; begin < word.size();) {
    auto letter_end = begin + read_utf8(word.substr(begin)).size;
    auto letter_known = false;
    auto at = byte_trie::root;
    for (auto end = begin; end < word.size();) {
      at = pieces_.step(at, word[end++]);
      if (at == byte_trie::none)
        break;
      if (auto id = pieces_.token_at(at); id >= 0) {
        offer(begin, end, scores_[static_cast<std::size_t>(id)], id);
        letter_known = letter_known || end == letter_end;
      }
    }
    if (!letter_known)
      offer(begin, letter_end, unknown_score_, no_token);
    begin = letter_end;
  }
  // Back along the best way; then forward over its tokens.
  std::vector<std::size_t> ends;
  for (auto end = word.size(); end > 0;
       end = static_cast<std::size_t>(best[end].begin))
    ends.push_back(end);
  std::size_t begin = 0, unknown_begin = 0;
  for (auto end = ends.rbegin(); end != ends.rend(); begin = *end++) {
    auto id = best[*end].last;
    if (id == no_token)
      continue;
    append_unknown(word.substr(unknown_begin, begin - unknown_begin), out);
    out.push_back(id);
    unknown_begin = *end;
  }
  append_unknown(word.substr(unknown_begin), out);
}

/// What stands for `text`, in which no token was found.
void unigram_model::append_unknown(std::string_view text,
                                   std::vector<token_id>& out) const {
  if (text.empty())
    return;
  auto token_of = [&](char byte) {
    return byte_tokens_[static_cast<unsigned char>(byte)];
  };
  if (options_.byte_fallback
      && std::all_of(text.begin(), text.end(),
                     [&](char byte) { return token_of(byte) >= 0; }))
    for (auto byte : text)
      out.push_back(token_of(byte));
  else if (options_.unknown)
    out.push_back(*options_.unknown);
}

} // namespace model_server
