// Full blocks by content, with an index of hashes and a list of idle ones.
#include "models/engine/prefix_cache.hpp"

#include <algorithm>
#include <cassert>
#include <stdexcept>

namespace model_server {

std::uint64_t prefix_cache::hash_of(block_id before, block_tokens tokens) {
  // FNV-1a over words, and a last mix for the low bits.
  auto result = 0xcbf29ce484222325u ^ before;
  for (auto token : tokens)
    result = (result ^ static_cast<std::uint64_t>(token)) * 0x100000001b3u;
  result ^= result >> 32;
  return result * 0x9e3779b97f4a7c15u;
}

std::optional<block_id> prefix_cache::take() {
  if (pool_.free() == 0 && !idle_.empty())
    forget_longest_idle();
  return pool_.take();
}

std::optional<block_id> prefix_cache::find(block_id before,
                                           block_tokens tokens) {
  if (!shares_)
    return std::nullopt;
  auto found = look_up(hash_(before, tokens), before, tokens);
  if (found)
    hold(*found);
  return found;
}

block_id prefix_cache::add(block_id before, block_tokens tokens,
                           block_id block) {
  if (!shares_)
    return block;
  auto hash = hash_(before, tokens);
  if (auto other = look_up(hash, before, tokens)) {
    hold(*other);
    pool_.drop(block);
    return *other;
  }
  if (blocks_.size() <= block)
    blocks_.resize(block + 1);
  auto& entry = blocks_[block];
  entry.is_known = true;
  entry.before = before;
  std::ranges::copy(tokens, entry.tokens.begin());
  entry.hash = hash;
  entry.place = idle_.end();
  index_.emplace(hash, block);
  pool_.hold(block);
  return block;
}

void prefix_cache::drop(block_id block) {
  pool_.drop(block);
  if (block < blocks_.size() && blocks_[block].is_known
      && pool_.holders(block) == 1)
    blocks_[block].place = idle_.insert(idle_.end(), block);
}

std::optional<block_id> prefix_cache::look_up(std::uint64_t hash,
                                              block_id before,
                                              block_tokens tokens) const {
  auto [begin, end] = index_.equal_range(hash);
  for (auto item = begin; item != end; ++item) {
    auto& candidate = blocks_[item->second];
    if (candidate.before == before
        && std::ranges::equal(candidate.tokens, tokens))
      return item->second;
  }
  return std::nullopt;
}

void prefix_cache::hold(block_id block) {
  auto& entry = blocks_[block];
  if (entry.place != idle_.end()) {
    idle_.erase(entry.place);
    entry.place = idle_.end();
  }
  pool_.hold(block);
}

void prefix_cache::forget_longest_idle() {
  auto block = idle_.front();
  idle_.pop_front();
  auto& entry = blocks_[block];
  auto [begin, end] = index_.equal_range(entry.hash);
  index_.erase(std::find_if(begin, end,
                            [&](auto& item) { return item.second == block; }));
  entry.is_known = false;
  pool_.drop(block);
  assert(pool_.holders(block) == 0 && "an idle block has no other holder");
}

namespace {

void require(bool holds, const char* what) {
  if (!holds)
    throw std::logic_error(what);
}

} // namespace

void prefix_cache::check_invariants() const {
  pool_.check_invariants();
  std::size_t known = 0;
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    auto block = static_cast<block_id>(i);
    auto& entry = blocks_[block];
    if (!entry.is_known)
      continue;
    ++known;
    auto holders = pool_.holders(block);
    require(holders > 0, "a known block is free");
    require((holders == 1) == (entry.place != idle_.end()),
            "a known block is idle and used, or neither");
    require(look_up(entry.hash, entry.before, entry.tokens) == block,
            "a known block is not found, or found twice");
    if (entry.before == nothing)
      continue;
    require(entry.before < blocks_.size() && blocks_[entry.before].is_known,
            "what stands before a known block is forgotten");
    require(holders == 1 || pool_.holders(entry.before) > 1,
            "a block is used without the one before it");
  }
  require(index_.size() == known, "the index knows other blocks");
  check_idle();
}

void prefix_cache::check_idle() const {
  std::vector<bool> was_seen(blocks_.size());
  for (auto block : idle_) {
    auto& entry = blocks_[block];
    require(entry.is_known && *entry.place == block,
            "an idle block is not known, or not where it says");
    require(entry.before == nothing || !was_seen[entry.before],
            "a block would be forgotten before one that follows it");
    was_seen[block] = true;
  }
}

} // namespace model_server
