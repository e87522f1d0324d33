// Merges few symbols in place, many with a heap of candidate pairs over a
// linked list.
#include "models/text/merge_table.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

namespace model_server {

namespace {

/// Up to that many symbols looking at all of them each time is faster.
constexpr std::size_t few = 48;

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

merge_table::merge_table() {
  grow(16);
}

void merge_table::reserve(std::size_t count) {
  grow(std::bit_ceil(count * 8 / 5 + 16));
}

void merge_table::add(token_id left, token_id right, token_id made,
                      std::uint32_t rank) {
  if ((count_ + 1) * 8 / 5 > merges_.size())
    grow(merges_.size() * 2);
  auto pair = pair_of(left, right);
  auto& found = merges_[slot_of(pair)];
  count_ += found.pair == no_pair;
  found = {pair, rank, made};
}

void merge_table::apply(std::vector<token_id>& all, std::size_t begin) const {
  auto count = all.size() - begin;
  if (count >= 2 && count <= few)
    apply_to_few(all, begin);
  else if (count > few)
    apply_to_many(all, begin);
}

void merge_table::apply_to_few(std::vector<token_id>& all,
                               std::size_t begin) const {
  constexpr auto no_rank = std::numeric_limits<std::uint32_t>::max();
  auto* ids = all.data() + begin;
  auto count = all.size() - begin;
  // What becomes of each symbol and the one after it.
  std::array<std::uint32_t, few> ranks;
  std::array<token_id, few> made;
  auto look = [&](std::size_t at) {
    auto* found = at + 1 < count ? find(ids[at], ids[at + 1]) : nullptr;
    ranks[at] = found ? found->rank : no_rank;
    made[at] = found ? found->made : -1;
  };
  for (std::size_t i = 0; i < count; ++i)
    look(i);
  for (;;) {
    auto best = static_cast<std::size_t>(
        std::min_element(ranks.begin(), ranks.begin() + count) - ranks.begin());
    if (ranks[best] == no_rank)
      break;
    ids[best] = made[best];
    for (auto i = best + 1; i + 1 < count; ++i) {
      ids[i] = ids[i + 1];
      ranks[i] = ranks[i + 1];
      made[i] = made[i + 1];
    }
    --count;
    look(best);
    if (best > 0)
      look(best - 1);
  }
  all.resize(begin + count);
}

void merge_table::apply_to_many(std::vector<token_id>& all,
                                std::size_t begin) const {
  auto count = all.size() - begin;
  std::vector<symbol> symbols(count);
  std::vector<candidate> heap;
  heap.reserve(count);
  auto consider = [&](std::int32_t at) {
    auto& left = symbols[static_cast<std::size_t>(at)];
    auto& right = symbols[static_cast<std::size_t>(left.after)];
    auto* found = find(left.id, right.id);
    if (found)
      heap.push_back({found->rank, at, found->made});
    return found != nullptr;
  };
  auto consider_later = [&](std::int32_t at) {
    if (consider(at))
      std::push_heap(heap.begin(), heap.end());
  };
  for (std::size_t i = 0; i < count; ++i) {
    auto at = static_cast<std::int32_t>(i);
    symbols[i] = {all[begin + i], at - 1, i + 1 < count ? at + 1 : -1};
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
    auto* found = find(left.id, right.id);
    if (!found || found->made != best.made)
      continue;
    left.id = best.made;
    right.id = -1;
    left.after = right.after;
    if (left.after >= 0) {
      symbols[static_cast<std::size_t>(left.after)].before = best.at;
      consider_later(best.at);
    }
    if (left.before >= 0)
      consider_later(left.before);
  }
  all.resize(begin);
  for (std::int32_t at = 0; at >= 0;
       at = symbols[static_cast<std::size_t>(at)].after)
    all.push_back(symbols[static_cast<std::size_t>(at)].id);
}

const merge_table::merge* merge_table::find(token_id left,
                                            token_id right) const {
  auto& found = merges_[slot_of(pair_of(left, right))];
  return found.pair == no_pair ? nullptr : &found;
}

std::size_t merge_table::slot_of(std::uint64_t pair) const {
  auto mask = merges_.size() - 1;
  auto mixed = pair * 0x9E3779B97F4A7C15u;
  auto at = (mixed ^ (mixed >> 32)) & mask;
  while (merges_[at].pair != pair && merges_[at].pair != no_pair)
    at = (at + 1) & mask;
  return at;
}

void merge_table::grow(std::size_t slots) {
  if (slots <= merges_.size())
    return;
  auto old = std::move(merges_);
  merges_.assign(slots, {no_pair, 0, -1});
  for (auto& each : old)
    if (each.pair != no_pair)
      merges_[slot_of(each.pair)] = each;
}

} // namespace model_server
