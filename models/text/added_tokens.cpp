// Finds added tokens with a letter tree from every place of the text.
#include "models/text/added_tokens.hpp"

#include "models/text/unicode_form.hpp"
#include "models/text/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace model_server {

namespace {

constexpr std::size_t max_token_bytes = 1024;
constexpr std::size_t max_bytes_together = 1024 * 1024;

/// What a normaliser may make of a token, to look for it: no form of Unicode
/// makes more of a character than 11 times its bytes.
constexpr std::size_t max_growth = 16;
constexpr std::size_t max_bytes_around = 64;

/// The last character of `text`, which isn't empty.
char32_t last_character(std::string_view text) {
  auto at = text.size() - 1;
  while (at > 0 && is_utf8_continuation(text[at]))
    --at;
  return read_utf8(text.substr(at)).code;
}

/// Where the white space at the end of `text` begins.
std::size_t begin_of_space(std::string_view text) {
  while (!text.empty() && is_white_space(last_character(text))) {
    auto at = text.size() - 1;
    while (is_utf8_continuation(text[at]))
      --at;
    text = text.substr(0, at);
  }
  return text.size();
}

/// How long the white space at the front of `text` is.
std::size_t space_length(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    auto front = read_utf8(text.substr(at));
    if (!is_white_space(front.code))
      break;
    at += front.size;
  }
  return at;
}

bool stands_alone(std::string_view text, std::size_t begin, std::size_t end) {
  return (begin == 0
          || !is_word_character(last_character(text.substr(0, begin))))
         && (end == text.size()
             || !is_word_character(read_utf8(text.substr(end)).code));
}

} // namespace

void added_tokens::add(added_token token, const normalizer& normal) {
  if (token.content.size() > max_token_bytes)
    throw std::runtime_error{
        fmt::format("added token {} has {} bytes; the limit is {}", token.id,
                    token.content.size(), max_token_bytes)};
  table_.add(token.content, token.id);
  auto index = static_cast<std::size_t>(token.id);
  special_.resize(std::max(special_.size(), index + 1));
  special_[index] = token.special;
  auto sought = token.content;
  if (token.normalized && !normal.empty())
    sought = normal.apply(marked_text{sought, true}, deadline_).bytes();
  if (sought.empty())
    return;
  if (sought.size() > max_growth * token.content.size() + max_bytes_around)
    throw std::runtime_error{fmt::format(
        "added token {} has {} bytes and is {} when normalised; the limit is "
        "{} times as many and {}",
        token.id, token.content.size(), sought.size(), max_growth,
        max_bytes_around)};
  bytes_ += sought.size();
  if (bytes_ > max_bytes_together)
    throw std::runtime_error{fmt::format(
        "the added tokens together have over {} bytes", max_bytes_together)};
  auto& tree = trees_[token.normalized ? 1 : 0];
  tree.begins[static_cast<unsigned char>(sought[0])] = true;
  auto& nodes = tree.nodes;
  std::uint32_t at = 0;
  for (auto letter : sought) {
    auto& next = nodes[at].next;
    auto found = std::find_if(next.begin(), next.end(),
                              [&](auto& each) { return each.first == letter; });
    if (found != next.end()) {
      at = found->second;
    } else {
      auto made = static_cast<std::uint32_t>(nodes.size());
      next.emplace_back(letter, made);
      nodes.emplace_back();
      at = made;
    }
  }
  nodes[at].token = static_cast<std::int32_t>(tokens_.size());
  tokens_.push_back(std::move(token));
}

std::vector<text_part> added_tokens::split(const marked_text& text,
                                           bool normalized) const {
  std::vector<text_part> result;
  auto& tree = finder(normalized);
  auto all = std::string_view{text.bytes()};
  std::size_t done = 0;
  for (std::size_t at = 0; at < all.size();) {
    if (!tree.begins[static_cast<unsigned char>(all[at])]) {
      ++at;
      continue;
    }
    auto found = longest_at(tree, text, at);
    if (!found) {
      ++at;
      continue;
    }
    auto begin = at;
    auto end = at = found->end;
    auto& token = *found->token;
    if (token.single_word && !stands_alone(all, begin, end))
      continue;
    if (token.lstrip)
      begin = std::max(begin_of_space(all.substr(0, begin)), done);
    if (token.rstrip)
      end += space_length(all.substr(end));
    if (done < begin)
      result.push_back({std::nullopt, done, begin});
    result.push_back({token.id, begin, end});
    done = end;
  }
  if (done < all.size())
    result.push_back({std::nullopt, done, all.size()});
  return result;
}

bool added_tokens::is_special(token_id id) const {
  auto index = static_cast<std::size_t>(id);
  return id >= 0 && index < special_.size() && special_[index];
}

std::optional<added_tokens::match>
added_tokens::longest_at(const letter_tree& tree, const marked_text& text,
                         std::size_t at) const {
  std::optional<match> best;
  auto& bytes = text.bytes();
  std::uint32_t here = 0;
  for (auto end = at; end < bytes.size();) {
    auto& next = tree.nodes[here].next;
    auto found = std::find_if(next.begin(), next.end(), [&](auto& each) {
      return each.first == bytes[end];
    });
    if (found == next.end())
      break;
    here = found->second;
    ++end;
    auto index = tree.nodes[here].token;
    if (index < 0)
      continue;
    auto& token = tokens_[static_cast<std::size_t>(index)];
    if (!token.special || text.is_trusted(at, end))
      best = match{&token, end};
  }
  return best;
}

} // namespace model_server
