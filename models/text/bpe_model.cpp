// Looks words up; those that are no token are spelled out and merged.
#include "models/text/bpe_model.hpp"

#include "models/text/byte_alphabet.hpp"
#include "models/text/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace model_server {

namespace {

/// What SentencePiece writes for a space.
constexpr std::string_view space_letter = "\u2581";

/// The end of the front part of `word` within which all merges stay.
std::size_t end_of_part(std::string_view word) {
  std::size_t at = 0;
  while (word.substr(at).starts_with(space_letter))
    at += space_letter.size();
  return std::min(word.find(space_letter, at), word.size());
}

bool spells_space_inside(std::string_view spelling) {
  return end_of_part(spelling) < spelling.size();
}

} // namespace

bpe_model::bpe_model(token_table vocabulary, std::vector<bool> is_control,
                     bpe_options options)
    : vocabulary_(std::move(vocabulary)),
      is_control_(std::move(is_control)),
      options_(std::move(options)) {
  is_control_.resize(vocabulary_.end_id());
  for (unsigned byte = 0; byte < 256; ++byte)
    byte_tokens_[byte] =
        vocabulary_.find(fmt::format("<0x{:02X}>", byte)).value_or(-1);
  for (char32_t code = 0; code < letter_tokens_.size(); ++code) {
    std::string letter;
    append_utf8(letter, code);
    letter_tokens_[code] = find_letter(letter).value_or(-1);
  }
}

void bpe_model::reserve_merges(std::size_t count) {
  merges_.reserve(count);
}

void bpe_model::add_merge(std::string_view left, std::string_view right) {
  auto id_of = [&](std::string_view spelling) {
    auto id = vocabulary_.find(spelling);
    if (!id)
      throw std::runtime_error{
          fmt::format("merge {} (\"{:.80}\" and \"{:.80}\") needs the token "
                      "\"{:.160}\", which the vocabulary lacks",
                      merge_count_, left, right, spelling)};
    return *id;
  };
  auto first = id_of(left), second = id_of(right);
  std::string joined{left};
  joined += right.substr(std::min(options_.inner_prefix.size(), right.size()));
  add_merge(first, second, id_of(joined), merge_count_++);
}

void bpe_model::add_merge(token_id left, token_id right, token_id made,
                          std::uint32_t rank) {
  if (!is_control_[static_cast<std::size_t>(made)])
    merges_.add(left, right, made, rank);
}

bool bpe_model::take_bytes() {
  if (options_.byte_fallback || !options_.inner_prefix.empty()
      || !options_.end_suffix.empty())
    return false;
  for (unsigned byte = 0; byte < 256; ++byte)
    letter_tokens_[byte] =
        find_letter(byte_letter(static_cast<unsigned char>(byte)))
            .value_or(-1);
  takes_bytes_ = true;
  return true;
}

void bpe_model::finish() {
  std::size_t bytes = 0;
  auto spells_space = false;
  for (std::size_t i = 0; i < vocabulary_.end_id(); ++i) {
    auto spelling = vocabulary_.spelling(static_cast<token_id>(i));
    bytes += spelling.size();
    spells_space =
        spells_space || (!is_control_[i] && spells_space_inside(spelling));
  }
  words_.reserve(vocabulary_.count(), bytes);
  std::vector<token_id> made;
  for (std::size_t i = 0; i < vocabulary_.end_id(); ++i) {
    auto id = static_cast<token_id>(i);
    auto word = word_of(id);
    if (!word)
      continue;
    made.clear();
    if (!options_.ignore_merges)
      make(*word, made);
    if (options_.ignore_merges || (made.size() == 1 && made[0] == id))
      words_.add(*word, id);
  }
  cuts_at_space_ = !spells_space && !takes_bytes_ && !options_.ignore_merges
                   && options_.inner_prefix.empty()
                   && options_.end_suffix.empty() && find_letter(space_letter);
}

void bpe_model::encode(std::string_view word,
                       std::vector<token_id>& out) const {
  if (!cuts_at_space_) {
    encode_part(word, out);
    return;
  }
  while (!word.empty()) {
    auto end = end_of_part(word);
    encode_part(word.substr(0, end), out);
    word.remove_prefix(end);
  }
}

void bpe_model::encode_part(std::string_view part,
                            std::vector<token_id>& out) const {
  if (auto id = words_.find(part); id >= 0)
    out.push_back(id);
  else
    make(part, out);
}

/// A character's token, unless it is a control token.
std::optional<token_id> bpe_model::find_letter(std::string_view letter) const {
  auto id = vocabulary_.find(letter);
  return id && !is_control_[static_cast<std::size_t>(*id)] ? id : std::nullopt;
}

/// The word that may come to this token alone.
std::optional<std::string> bpe_model::word_of(token_id id) const {
  auto spelling = vocabulary_.spelling(id);
  if (spelling.empty() || is_control_[static_cast<std::size_t>(id)])
    return std::nullopt;
  if (takes_bytes_)
    return bytes_of_letters(spelling);
  if (!options_.ignore_merges && spelling.ends_with(options_.end_suffix))
    spelling.remove_suffix(options_.end_suffix.size());
  return spelling.empty() ? std::nullopt
                          : std::optional{std::string{spelling}};
}

/// Appends the tokens of a word that has to be merged.
void bpe_model::make(std::string_view word, std::vector<token_id>& out) const {
  auto begin = out.size();
  first_symbols(word, out);
  merges_.apply(out, begin);
}

/// The tokens of the single characters, before any merge.
void bpe_model::first_symbols(std::string_view word,
                              std::vector<token_id>& out) const {
  auto plain = options_.inner_prefix.empty() && options_.end_suffix.empty();
  auto unknown_waits = false;
  auto is_first = true;
  std::string affixed;
  while (!word.empty()) {
    auto front = takes_bytes_
                     ? utf8_front{utf8_front::kind::whole,
                                  static_cast<unsigned char>(word[0]), 1}
                     : read_utf8(word);
    auto letter = word.substr(0, front.size);
    word.remove_prefix(front.size);
    auto id = token_id{-1};
    if (!plain) {
      affixed = is_first ? "" : options_.inner_prefix;
      affixed += letter;
      affixed += word.empty() ? options_.end_suffix : "";
      letter = affixed;
      id = find_letter(letter).value_or(-1);
    } else if (front.code < letter_tokens_.size()) {
      id = letter_tokens_[front.code];
    } else {
      id = find_letter(letter).value_or(-1);
    }
    is_first = false;
    if (id < 0) {
      unknown_symbols(letter, unknown_waits, out);
      continue;
    }
    if (std::exchange(unknown_waits, false))
      out.push_back(*options_.unknown);
    out.push_back(id);
  }
  if (unknown_waits)
    out.push_back(*options_.unknown);
}

/// What stands for a character that no token spells. An unknown token waits
/// for more of its kind.
void bpe_model::unknown_symbols(std::string_view letter, bool& unknown_waits,
                                std::vector<token_id>& out) const {
  auto token_of = [&](char byte) {
    return byte_tokens_[static_cast<unsigned char>(byte)];
  };
  if (options_.byte_fallback
      && std::all_of(letter.begin(), letter.end(),
                     [&](char byte) { return token_of(byte) >= 0; })) {
    for (auto byte : letter)
      out.push_back(token_of(byte));
  } else if (options_.unknown) {
    if (unknown_waits && !options_.fuse_unknown)
      out.push_back(*options_.unknown);
    unknown_waits = true;
  }
}

} // namespace model_server
