// A network that gives scores to the next token: what an entry drives.
#pragma once

#include "models/engine/kv_block_pool.hpp"
#include "models/entry.hpp"

#include <cstddef>
#include <span>

namespace model_server {

/// What one sequence adds to a forward pass.
struct net_input {
  sequence_id id = 0;
  /// How many tokens of the sequence are stored.
  std::size_t position = 0;
  /// Where they are stored, and room for `tokens` behind them.
  std::span<const block_id> blocks;
  /// Next tokens of the sequence, at least one: a piece of the prompt, or the
  /// token drawn last and guesses at those that follow it. A later pass may
  /// store others in the place of guesses.
  std::span<const token_id> tokens;
  /// Behind how many of them, counted from the last, the scores of the next
  /// token are asked for; `tokens.size()` at most.
  std::size_t scores_wanted = 0;
  /// Where what the last layer gives for each of them, normed, is written,
  /// [tokens, width]; null if nobody wants it.
  float* states = nullptr;
  /// Set by the pass: false if something overflowed, so that what is stored now
  /// is of no use to others.
  bool is_finite = true;
};

/// A loaded network on one device. Calls never overlap.
class causal_net {
public:
  virtual ~causal_net() = default;

  /// Number of scores, and so of valid token ids.
  virtual std::size_t vocabulary() const = 0;

  /// Numbers of a token's state; 0 if it tells none.
  virtual std::size_t width() const {
    return 0;
  }

  /// Bytes that the keys and values of a block of tokens take.
  virtual std::size_t bytes_of_block() const = 0;

  /// Prepares this many blocks, before the first pass. Throws
  /// `std::runtime_error` if the memory cannot be had.
  virtual void make_blocks(std::size_t count) = 0;

  /// True if what a block stores is found under its number by every sequence
  /// that names it. Else a sequence finds only what it has stored itself.
  virtual bool shares_blocks() const = 0;

  /// True if the scores behind a token, and what is stored for it, are the same
  /// bits whatever else is read in the pass: other sequences, or other tokens
  /// of its own.
  virtual bool is_exact() const {
    return false;
  }

  /// Reads all `inputs`, no sequence twice. Writes a row of `vocabulary()`
  /// scores for each token whose are wanted, in the order of the inputs and
  /// their tokens. Token ids are valid.
  virtual void forward(std::span<net_input> inputs, float* scores) = 0;

  /// Drops what is kept for a sequence beside the blocks. Unknown ids are
  /// ignored.
  virtual void release(sequence_id id) {
    static_cast<void>(id);
  }

  /// How many threads the next passes may use.
  virtual void use_threads(int count) = 0;
};

} // namespace model_server
