// Merges with a heap of candidate pairs over a linked list of symbols.
#include "models/text/bpe_model.hpp"

#include "models/text/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <stdexcept>

namespace model_server {

namespace {

std::uint64_t pair_of(token_id left, token_id right) {
  return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32)
         | static_cast<std::uint32_t>(right);
}

/// A symbol of the word being merged; neighbours by index, -1 at the ends.
struct symbol {
  token_id id;
  std::int32_t before;
  std::int32_t after;
};

/// A pair that may be merged: the one of lowest rank first, then the leftmost.
struct candidate {
  std::uint32_t rank;
  std::int32_t at;
  token_id made;

  bool operator<(const candidate& other) const {
    return rank != other.rank ? rank > other.rank : at > other.at;
  }
};

} // namespace

bpe_model::bpe_model(token_table vocabulary, bpe_options options)
    : vocabulary_(std::move(vocabulary)), options_(options) {
  for (unsigned byte = 0; byte < 256; ++byte)
    byte_tokens_[byte] =
        vocabulary_.find(fmt::format("<0x{:02X}>", byte)).value_or(-1);
  for (char32_t code = 0; code < letter_tokens_.size(); ++code) {
    std::string letter;
    append_utf8(letter, code);
    letter_tokens_[code] = vocabulary_.find(letter).value_or(-1);
  }
  grow(16);
}

void bpe_model::reserve_merges(std::size_t count) {
  grow(std::bit_ceil(count * 2 + 16));
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
  joined_.assign(left);
  joined_.append(right);
  auto pair = pair_of(id_of(left), id_of(right));
  auto made = id_of(joined_);
  if ((merge_count_ + std::size_t{1}) * 2 > merges_.size())
    grow(merges_.size() * 4);
  merges_[slot_of(pair)] = {pair, merge_count_++, made};
}

void bpe_model::encode(std::string_view word,
                       std::vector<token_id>& out) const {
  if (options_.ignore_merges) {
    if (auto id = vocabulary_.find(word)) {
      out.push_back(*id);
      return;
    }
  }
  auto begin = out.size();
  first_symbols(word, out);
  auto count = out.size() - begin;
  if (count < 2)
    return;
  std::vector<symbol> symbols(count);
  std::vector<candidate> heap;
  heap.reserve(count);
  auto consider = [&](std::int32_t at) {
    auto& left = symbols[static_cast<std::size_t>(at)];
    auto& right = symbols[static_cast<std::size_t>(left.after)];
    if (auto* found = find_merge(left.id, right.id))
      heap.push_back({found->rank, at, found->made});
  };
  for (std::size_t i = 0; i < count; ++i) {
    auto at = static_cast<std::int32_t>(i);
    symbols[i] = {out[begin + i], at - 1, i + 1 < count ? at + 1 : -1};
  }
  for (std::size_t i = 0; i + 1 < count; ++i)
    consider(static_cast<std::int32_t>(i));
  std::make_heap(heap.begin(), heap.end());
  while (!heap.empty()) {
    auto best = heap.front();
    std::pop_heap(heap.begin(), heap.end());
    heap.pop_back();
    // What this candidate was about may have been merged away since.
    auto& left = symbols[static_cast<std::size_t>(best.at)];
    if (left.id < 0 || left.after < 0)
      continue;
    auto& right = symbols[static_cast<std::size_t>(left.after)];
    auto* found = find_merge(left.id, right.id);
    if (!found || found->made != best.made)
      continue;
    left.id = best.made;
    right.id = -1;
    left.after = right.after;
    if (left.after >= 0) {
      symbols[static_cast<std::size_t>(left.after)].before = best.at;
      auto before = heap.size();
      consider(best.at);
      if (heap.size() > before)
        std::push_heap(heap.begin(), heap.end());
    }
    if (left.before >= 0) {
      auto before = heap.size();
      consider(left.before);
      if (heap.size() > before)
        std::push_heap(heap.begin(), heap.end());
    }
  }
  out.resize(begin);
  for (std::int32_t at = 0; at >= 0;
       at = symbols[static_cast<std::size_t>(at)].after)
    out.push_back(symbols[static_cast<std::size_t>(at)].id);
}

/// The tokens of the single characters, before any merge.
void bpe_model::first_symbols(std::string_view word,
                              std::vector<token_id>& out) const {
  bool unknown_waits = false;
  auto settle_unknown = [&] {
    if (unknown_waits)
      out.push_back(*options_.unknown);
    unknown_waits = false;
  };
  while (!word.empty()) {
    auto front = read_utf8(word);
    auto letter = word.substr(0, front.size);
    word.remove_prefix(front.size);
    auto id = front.code < letter_tokens_.size()
                  ? letter_tokens_[front.code]
                  : vocabulary_.find(letter).value_or(-1);
    if (id >= 0) {
      settle_unknown();
      out.push_back(id);
      continue;
    }
    auto token_of = [&](char byte) {
      return byte_tokens_[static_cast<unsigned char>(byte)];
    };
    if (options_.byte_fallback
        && std::all_of(letter.begin(), letter.end(),
                       [&](char byte) { return token_of(byte) >= 0; })) {
      for (auto byte : letter)
        out.push_back(token_of(byte));
    } else if (options_.unknown) {
      if (!options_.fuse_unknown)
        settle_unknown();
      unknown_waits = true;
    }
  }
  settle_unknown();
}

const bpe_model::merge* bpe_model::find_merge(token_id left,
                                              token_id right) const {
  auto& found = merges_[slot_of(pair_of(left, right))];
  return found.pair == no_pair ? nullptr : &found;
}

std::size_t bpe_model::slot_of(std::uint64_t pair) const {
  auto mask = merges_.size() - 1;
  auto mixed = pair * 0x9E3779B97F4A7C15u;
  auto at = (mixed ^ (mixed >> 32)) & mask;
  while (merges_[at].pair != pair && merges_[at].pair != no_pair)
    at = (at + 1) & mask;
  return at;
}

void bpe_model::grow(std::size_t slots) {
  if (slots <= merges_.size())
    return;
  auto old = std::move(merges_);
  merges_.assign(slots, {no_pair, 0, -1});
  for (auto& each : old)
    if (each.pair != no_pair)
      merges_[slot_of(each.pair)] = each;
}

} // namespace model_server
