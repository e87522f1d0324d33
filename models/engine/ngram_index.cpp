// An open hash table whose keys are in the sequence itself.
#include "models/engine/ngram_index.hpp"

#include <algorithm>

namespace model_server {

namespace {

constexpr std::size_t first_slots = 64;

std::uint64_t hash_of(std::span<const token_id> run) {
  std::uint64_t result = 0;
  for (auto token : run) {
    result = (result ^ static_cast<std::uint32_t>(token)) * 0x9e3779b97f4a7c15u;
    result ^= result >> 32;
  }
  return result;
}

} // namespace

void ngram_index::put(std::span<const token_id> tokens, std::size_t end) {
  if (2 * (used_ + 1) > slots_.size())
    grow(tokens);
  auto& slot = slots_[slot_of(tokens, end)];
  used_ += slot == 0 ? 1 : 0;
  slot = static_cast<std::uint32_t>(end);
}

std::size_t ngram_index::find(std::span<const token_id> tokens,
                              std::size_t end) const {
  return slots_.empty() ? 0 : slots_[slot_of(tokens, end)];
}

// That of an equal run, else the free one where it belongs.
std::size_t ngram_index::slot_of(std::span<const token_id> tokens,
                                 std::size_t end) const {
  auto run = tokens.subspan(end - length_, length_);
  auto mask = slots_.size() - 1;
  auto slot = hash_of(run) & mask;
  while (slots_[slot] != 0
         && !std::ranges::equal(tokens.subspan(slots_[slot] - length_, length_),
                                run))
    slot = (slot + 1) & mask;
  return slot;
}

void ngram_index::grow(std::span<const token_id> tokens) {
  std::vector<std::uint32_t> old(std::max(first_slots, 2 * slots_.size()));
  old.swap(slots_);
  for (auto place : old)
    if (place != 0)
      slots_[slot_of(tokens, place)] = place;
}

} // namespace model_server
