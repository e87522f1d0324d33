// Tests what every plan must keep, under random arrivals, steps and ends.
#include "models/engine/step_planner.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

using namespace model_server;

namespace {

class random_schedule {
public:
  explicit random_schedule(unsigned seed)
      : random_(seed), blocks_(3 + random_() % 20), planner_(blocks_) {
  }

  void run() {
    for (int i = 0; i < 300; ++i) {
      if (random_() % 3 == 0 && running_.size() < 6)
        begin();
      if (random_() % 9 == 0 && !running_.empty())
        end(random_() % running_.size());
      ASSERT_NO_FATAL_FAILURE(step());
    }
    while (!running_.empty())
      end(0);
    EXPECT_EQ(planner_.cache().used(), 0u);
  }

private:
  struct running {
    sequence item;
    // Counted by hand.
    std::size_t joined = 0;
  };

  void begin() {
    auto item = std::make_unique<running>();
    item->item.id = ++last_id_;
    // One place for the next token; few kinds of beginnings.
    auto size = 1 + random_() % (blocks_ * kv_block_tokens - 1);
    item->item.tokens.assign(size, 1);
    for (std::size_t i = 0; i < size; i += kv_block_tokens)
      item->item.tokens[i] = static_cast<token_id>(random_() % 2);
    item->item.prompt_size = size;
    running_.push_back(std::move(item));
  }

  void end(std::size_t index) {
    planner_.release(running_[index]->item.id);
    running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(index));
    planner_.check_invariants();
  }

  void step() {
    std::vector<sequence*> batch;
    for (auto& item : running_)
      if (random_() % 4 != 0) {
        batch.push_back(&item->item);
        item->joined = item->joined == 0 ? ++last_joined_ : item->joined;
      }
    std::size_t budget = 1 + random_() % 40;
    std::vector<sequence*> decoding;
    for (auto item : batch)
      if (planner_.count_decoding({&item, 1}) == 1)
        decoding.push_back(item);
    auto reads = planner_.plan(batch, budget);
    check_reads(reads, budget);
    check_fairness(batch, decoding, reads);
    if (planner_.can_guess(batch.size()))
      guess(reads);
    for (auto& read : reads) {
      auto is_last = read.is_last();
      std::vector<token_id> guesses(read.tokens().last(read.guesses).begin(),
                                    read.tokens().end());
      planner_.take_out_guesses(read);
      auto right = random_() % (guesses.size() + 1);
      read.item->tokens.insert(read.item->tokens.end(), guesses.begin(),
                               guesses.begin()
                                   + static_cast<std::ptrdiff_t>(right));
      planner_.finish(read, guesses.size() - right);
      ASSERT_EQ(read.table->blocks().size(),
                (read.table->size() + kv_block_tokens - 1) / kv_block_tokens);
      auto full = blocks_ * kv_block_tokens == read.item->tokens.size();
      if (is_last && !full)
        read.item->tokens.push_back(static_cast<token_id>(random_() % 2));
    }
    ASSERT_NO_THROW(planner_.check_invariants());
  }

  // Adds guesses here and there; nobody loses anything for them.
  void guess(std::span<const planned_read> reads) {
    for (std::size_t i = 0; i < reads.size(); ++i) {
      auto own = reads[i].item->tokens.size();
      auto room = blocks_ * kv_block_tokens - own;
      std::vector<token_id> guesses(std::min(random_() % 30, room));
      planner_.add_guesses(i, guesses);
      ASSERT_LE(reads[i].guesses, guesses.size());
      ASSERT_EQ(reads[i].count, 1 + reads[i].guesses);
      ASSERT_EQ(reads[i].item->tokens.size(), own + reads[i].guesses);
      ASSERT_LE(reads[i].table->size() + reads[i].count,
                reads[i].table->blocks().size() * kv_block_tokens);
    }
  }

  void check_reads(std::span<const planned_read> reads, std::size_t budget) {
    std::size_t total = 0;
    for (auto& read : reads) {
      auto end = read.table->size() + read.count;
      ASSERT_GT(read.count, 0u);
      ASSERT_LE(end, read.item->tokens.size());
      ASSERT_LE(end, read.table->blocks().size() * kv_block_tokens);
      ASSERT_FALSE(read.item->is_waiting);
      total += read.count;
    }
    ASSERT_LE(total - planner_.decoding(), budget);
  }

  void check_fairness(std::vector<sequence*> batch,
                      const std::vector<sequence*>& decoding,
                      std::span<const planned_read> reads) {
    auto reads_now = [&](const sequence* item) {
      return std::ranges::count(reads, item, &planned_read::item) == 1;
    };
    // The oldest that takes part goes on, so something always does.
    std::ranges::sort(batch, {}, [&](auto item) { return joined(item); });
    ASSERT_TRUE(batch.empty() || reads_now(batch.front()));
    // Once one finds no block, nobody that is newer does.
    auto is_short = false;
    for (auto item : batch) {
      auto has_lost = std::ranges::count(planner_.losers(), item->id) > 0;
      is_short |= item->is_waiting && !has_lost;
      ASSERT_FALSE(is_short && reads_now(item));
    }
    for (auto item : decoding)
      ASSERT_TRUE(reads_now(item) || item->is_waiting);
  }

  std::size_t joined(const sequence* item) const {
    for (auto& other : running_)
      if (&other->item == item)
        return other->joined;
    return 0;
  }

  std::mt19937 random_;
  std::size_t blocks_;
  step_planner planner_;
  std::vector<std::unique_ptr<running>> running_;
  sequence_id last_id_ = 0;
  std::size_t last_joined_ = 0;
};

} // namespace

TEST(step_planner_random_test, holds_its_promises_whatever_comes) {
  for (unsigned seed = 0; seed < 200; ++seed)
    ASSERT_NO_FATAL_FAILURE(random_schedule{seed}.run()) << seed;
}
