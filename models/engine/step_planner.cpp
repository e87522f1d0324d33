// Plans a step: one pass over the sequences, the oldest first.
#include "models/engine/step_planner.hpp"

#include <algorithm>
#include <stdexcept>

namespace model_server {

std::span<const planned_read>
step_planner::plan(std::span<sequence* const> batch,
                   std::size_t prompt_budget) {
  reads_.clear();
  losers_.clear();
  decoding_ = 0;
  gather(batch);
  for (auto row : rows_) {
    auto& item = *row->item;
    item.is_waiting = std::ranges::count(losers_, row->id) > 0;
    if (row->table.size() + 1 < item.tokens.size())
      row->table.share(item.tokens);
    auto count = count_for(*row, prompt_budget);
    if (count == 0)
      continue;
    auto is_drawn_last = row->table.size() + 1 == item.tokens.size();
    count = make_room(*row, count);
    item.is_waiting = count == 0;
    if (count == 0)
      continue;
    if (!row->has_begun)
      item.cached_tokens = std::min(row->table.size(), item.prompt_size);
    row->has_begun = true;
    if (is_drawn_last)
      ++decoding_;
    else
      prompt_budget -= count;
    reads_.push_back({.item = &item, .table = &row->table, .count = count});
  }
  return reads_;
}

std::size_t
step_planner::count_decoding(std::span<sequence* const> batch) const {
  return static_cast<std::size_t>(std::ranges::count_if(batch, [&](auto item) {
    auto found = members_.find(item->id);
    auto size = found == members_.end() ? 0 : found->second->table.size();
    return size + 1 == item->tokens.size();
  }));
}

void step_planner::add_guesses(std::size_t index,
                               std::span<const token_id> guesses) {
  auto& read = reads_[index];
  auto room = read.table->reserve(read.count + guesses.size());
  read.guesses = room - read.count;
  read.count = room;
  auto& tokens = read.item->tokens;
  auto fitting = guesses.first(read.guesses);
  tokens.insert(tokens.end(), fitting.begin(), fitting.end());
}

void step_planner::take_out_guesses(const planned_read& read) {
  auto& tokens = read.item->tokens;
  tokens.resize(tokens.size() - read.guesses);
}

void step_planner::finish(const planned_read& read, std::size_t rejected) {
  read.table->grow(read.item->tokens, read.count - rejected);
  if (read.guesses > 0)
    read.table->trim();
}

void step_planner::release(sequence_id id) {
  members_.erase(id);
}

// The members of this step in order, each with at least one token to read.
void step_planner::gather(std::span<sequence* const> batch) {
  ++last_plan_;
  rows_.clear();
  for (auto item : batch) {
    auto& place = members_[item->id];
    if (place == nullptr) {
      place = std::make_unique<member>(cache_);
      place->id = item->id;
      place->joined = ++last_joined_;
    }
    place->plan = last_plan_;
    place->item = item;
    if (place->table.size() >= item->tokens.size())
      place->table.clear();
    rows_.push_back(place.get());
  }
  std::ranges::sort(rows_, {}, &member::joined);
}

std::size_t step_planner::count_for(const member& row,
                                    std::size_t budget) const {
  auto ahead = row.item->tokens.size() - row.table.size();
  if (ahead == 1)
    return 1;
  return is_underway(row) ? 0 : std::min(ahead, budget);
}

// Whether an older sequence reads the same block in this step.
bool step_planner::is_underway(const member& row) const {
  auto block = row.table.size() / kv_block_tokens;
  std::span<const token_id> tokens{row.item->tokens};
  if (!cache_.shares() || row.table.size() % kv_block_tokens != 0
      || (block + 1) * kv_block_tokens >= tokens.size())
    return false;
  auto wanted = tokens_of_block(tokens, block);
  return std::ranges::any_of(reads_, [&](const planned_read& other) {
    // Equal beginnings are one block, so it is enough to look at the last.
    return other.table->last_full() == row.table.last_full()
           && other.table->size() / kv_block_tokens == block
           && (block + 1) * kv_block_tokens <= other.item->tokens.size()
           && std::ranges::equal(tokens_of_block(other.item->tokens, block),
                                 wanted);
  });
}

// Takes blocks, from others if it must, for up to `count` tokens.
std::size_t step_planner::make_room(member& row, std::size_t count) {
  auto room = row.table.reserve(count);
  while (room < count) {
    auto other = who_gives_way(row);
    if (other == nullptr)
      break;
    other->table.clear();
    losers_.push_back(other->id);
    room = row.table.reserve(count);
  }
  return room;
}

step_planner::member* step_planner::who_gives_way(const member& row) {
  member* result = nullptr;
  auto is_away = [&](const member& item) { return item.plan != last_plan_; };
  for (auto& [_, item] : members_) {
    if (item->table.blocks().empty()
        || !(is_away(*item) || item->joined > row.joined))
      continue;
    if (result == nullptr
        || std::pair{is_away(*item), item->joined}
               > std::pair{is_away(*result), result->joined})
      result = item.get();
  }
  return result;
}

void step_planner::check_invariants() const {
  cache_.check_invariants();
  auto require = [](bool holds, const char* what) {
    if (!holds)
      throw std::logic_error(what);
  };
  // Holders by block: the tables, and the cache for those it knows.
  std::unordered_map<block_id, std::uint32_t> holders;
  for (auto& [_, item] : members_) {
    require(item->table.size() <= item->table.blocks().size() * kv_block_tokens,
            "a table has fewer blocks than its tokens need");
    for (auto block : item->table.blocks())
      ++holders[block];
  }
  require(holders.size() == cache_.used(),
          "a block is used by nobody, or counted as unused");
  for (auto [block, count] : holders) {
    auto extra = pool_.holders(block) - count;
    require(extra <= 1, "a block has holders that do not know of it");
  }
}

} // namespace model_server
