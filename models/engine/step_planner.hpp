// Decides who reads how many tokens in a step, and who gives way when memory
// runs out.
#pragma once

#include "models/engine/block_table.hpp"
#include "models/entry.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

namespace model_server {

/// What one sequence reads in a step: the `count` tokens behind those that its
/// table has stored. There is room for them. The last `guesses` of them are no
/// tokens of the sequence yet, but stand behind its own until they are taken
/// out.
struct planned_read {
  sequence* item = nullptr;
  block_table* table = nullptr;
  std::size_t count = 0;
  std::size_t guesses = 0;

  std::span<const token_id> tokens() const {
    return std::span<const token_id>{item->tokens}.subspan(table->size(),
                                                           count);
  }

  /// Whether they are all there is, so that another token can be drawn.
  bool is_last() const {
    return table->size() + count == item->tokens.size();
  }
};

/// Owns the block tables of all sequences and plans step after step. The order
/// of the sequences is that in which they were first planned; the first is the
/// oldest.
///
/// A sequence that lacks one token, the one drawn last, reads it in every step.
/// What others lack they read in pieces, the oldest first, up to the step's
/// budget. One whose next block is just being read by an older one lets it
/// pass and finds the block in the next step.
///
/// When blocks run out, those that do not take part in the step lose theirs
/// first, then those that are newer than who needs them; of these always the
/// newest. So the oldest that takes part always goes on, if one sequence fits
/// into the pool. What a sequence has lost it reads again later; its full
/// blocks may still be known then.
///
/// Guesses about what comes next are read only in steps in which all take part
/// by their last token, so they take no time from prompts and nothing from who
/// lacks memory. They never take a block that somebody holds, and blocks that
/// only rejected ones needed go back with the step.
class step_planner {
public:
  /// `shares`: sequences that begin alike use the same blocks.
  explicit step_planner(std::size_t blocks, bool shares = true)
      : pool_(blocks), cache_(pool_, shares) {
  }

  /// Plans a step for `batch`, no sequence twice, reading at most
  /// `prompt_budget` tokens beside those drawn last. Sets `is_waiting` and
  /// `cached_tokens`. What it returns lives until the next call.
  std::span<const planned_read> plan(std::span<sequence* const> batch,
                                     std::size_t prompt_budget);

  /// Sequences that take part in the step planned last by one token; what the
  /// rest of it reads is prompt.
  std::size_t decoding() const {
    return decoding_;
  }

  /// How many of `batch` lack only their last token now.
  std::size_t count_decoding(std::span<sequence* const> batch) const;

  /// Sequences that lost their blocks in the last plan.
  std::span<const sequence_id> losers() const {
    return losers_;
  }

  /// Whether guesses may be added to the last plan, which was for this many
  /// sequences.
  bool can_guess(std::size_t batch_size) const {
    return decoding_ == batch_size;
  }

  /// Adds guesses to the read number `index` of the last plan, as many of the
  /// first as there is room for, and appends them to its sequence's tokens.
  void add_guesses(std::size_t index, std::span<const token_id> guesses);

  /// Takes the guesses of a read out of its sequence's tokens again.
  static void take_out_guesses(const planned_read& read);

  /// Counts a read of the last plan as done: its tokens are stored, but for the
  /// last `rejected`. Guesses that are not rejected are tokens of the sequence
  /// by now.
  void finish(const planned_read& read, std::size_t rejected = 0);

  /// Forgets a sequence. Unknown ones are ignored.
  void release(sequence_id id);

  const prefix_cache& cache() const {
    return cache_;
  }

  /// Throws `std::logic_error` if tables, cache and pool disagree.
  void check_invariants() const;

private:
  struct member {
    explicit member(prefix_cache& cache) : table(cache) {
    }
    block_table table;
    sequence_id id = 0;
    /// Smaller is older.
    std::uint64_t joined = 0;
    /// The last plan it took part in.
    std::uint64_t plan = 0;
    bool has_begun = false;
    sequence* item = nullptr;
  };

  void gather(std::span<sequence* const> batch);
  std::size_t count_for(const member& row, std::size_t budget) const;
  bool is_underway(const member& row) const;
  std::size_t make_room(member& row, std::size_t count);
  member* who_gives_way(const member& row);

  kv_block_pool pool_;
  prefix_cache cache_;
  std::unordered_map<sequence_id, std::unique_ptr<member>> members_;
  std::uint64_t last_joined_ = 0;
  std::uint64_t last_plan_ = 0;
  // Of the step in progress, the oldest first.
  std::vector<member*> rows_;
  std::vector<planned_read> reads_;
  std::vector<sequence_id> losers_;
  std::size_t decoding_ = 0;
};

} // namespace model_server
