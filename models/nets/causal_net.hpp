// A network that gives scores to the next token: what an entry drives.
#pragma once

#include "models/entry.hpp"

#include <cstddef>
#include <memory>
#include <span>

namespace model_server {

/// What a network keeps of the tokens that a sequence has shown it. Made by the
/// network that uses it; how it is stored is that network's own business.
class kv_cache {
public:
  virtual ~kv_cache() = default;

  /// How many tokens it holds.
  virtual std::size_t size() const = 0;
};

/// What one sequence adds to a forward pass.
struct net_input {
  /// The tokens before; grows by `tokens`.
  kv_cache* cache = nullptr;
  /// Next tokens of the sequence, at least one: a piece of the prompt, or the
  /// token drawn last.
  std::span<const token_id> tokens;
  /// Whether the scores of the token after them are asked for.
  bool wants_scores = false;
};

/// A loaded network on one device. Calls never overlap.
class causal_net {
public:
  virtual ~causal_net() = default;

  /// Number of scores, and so of valid token ids.
  virtual std::size_t vocabulary() const = 0;

  virtual std::unique_ptr<kv_cache> make_cache() const = 0;

  /// Reads all `inputs`, no cache twice. Writes a row of `vocabulary()` scores
  /// for each that wants them, one behind the other. Token ids are valid.
  virtual void forward(std::span<const net_input> inputs, float* scores) = 0;

  /// How many threads the next passes may use.
  virtual void use_threads(int count) = 0;
};

} // namespace model_server
