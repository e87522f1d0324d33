// A hash table that compares letters only where the whole hash agrees.
#include "models/text/word_table.hpp"

#include <bit>
#include <cstring>

namespace model_server {

namespace {

/// Eight letters a step.
std::uint32_t hash_of(std::string_view word) {
  constexpr std::uint64_t factor = 0x9E3779B97F4A7C15u;
  std::uint64_t mixed = word.size() * factor;
  auto take = [&](std::size_t count) {
    std::uint64_t letters = 0;
    std::memcpy(&letters, word.data(), count);
    mixed = (mixed ^ letters) * factor;
    mixed ^= mixed >> 29;
    word.remove_prefix(count);
  };
  while (word.size() >= 8)
    take(8);
  take(word.size());
  return static_cast<std::uint32_t>(mixed >> 32);
}

} // namespace

void word_table::reserve(std::size_t words, std::size_t bytes) {
  letters_.reserve(bytes);
  entries_.assign(std::bit_ceil(words * 8 / 5 + 16), {});
}

void word_table::add(std::string_view word, token_id token) {
  auto hash = hash_of(word);
  auto& found = entries_[slot_of(word, hash)];
  if (found.token >= 0)
    return;
  found = {hash, static_cast<std::uint32_t>(letters_.size()),
           static_cast<std::uint32_t>(word.size()), token};
  letters_.append(word);
  longest_ = std::max(longest_, word.size());
}

token_id word_table::find(std::string_view word) const {
  if (word.size() > longest_ || word.empty())
    return -1;
  return entries_[slot_of(word, hash_of(word))].token;
}

std::size_t word_table::slot_of(std::string_view word,
                                std::uint32_t hash) const {
  auto mask = entries_.size() - 1;
  auto at = hash & mask;
  auto is_other = [&](const entry& each) {
    return each.hash != hash || each.size != word.size()
           || std::memcmp(letters_.data() + each.begin, word.data(),
                          word.size())
                  != 0;
  };
  while (entries_[at].token >= 0 && is_other(entries_[at]))
    at = (at + 1) & mask;
  return at;
}

} // namespace model_server
