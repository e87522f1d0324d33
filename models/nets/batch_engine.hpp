// Steps a network over many sequences at once: plan, read, draw.
#pragma once

#include "models/engine/prompt_pace.hpp"
#include "models/engine/sampler.hpp"
#include "models/engine/speculation.hpp"
#include "models/engine/step_planner.hpp"
#include "models/nets/causal_net.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace model_server {

/// What an engine is made with beside its network.
struct engine_options {
  /// Memory for keys and values, at least one.
  std::size_t blocks = 1;
  /// Prompt and reply together, in tokens. Nothing is guessed beyond it.
  std::size_t context_length = std::numeric_limits<std::size_t>::max();
  /// Guesses tokens from what the sequence says already, where the network is
  /// exact and it pays; see `speculation`.
  bool speculates = false;
};

/// What a step shall do whatever the clock says.
struct step_orders {
  /// How much of the prompts is read.
  std::optional<std::size_t> prompt_budget = {};
  /// How many tokens are guessed for each sequence, where guesses are allowed
  /// and there are any.
  std::optional<std::size_t> guesses = {};
};

/// A network and its memory, driven in steps. What a sequence gets depends on
/// its own tokens and sampling alone, as far as the network keeps that promise:
/// not on the others, on how its prompt is cut, on what is shared or lost, nor
/// on guesses.
class batch_engine {
public:
  batch_engine(std::unique_ptr<causal_net> net, engine_options options);

  /// One step as `model_entry::step` describes it. How much of the prompts is
  /// read, and how much is guessed, follows from how long steps take, unless it
  /// is given.
  void step(std::span<sequence* const> batch, step_orders orders = {});

  /// Gives back what a sequence holds. Unknown ids are ignored.
  void release(sequence_id id);

  void use_threads(int count);

  /// Who holds what; for tests.
  const step_planner& planner() const {
    return planner_;
  }

  /// Tokens that were guessed and read so far, and those of them that were
  /// drawn then.
  std::uint64_t guesses_read() const {
    return guesses_read_;
  }
  std::uint64_t guesses_right() const {
    return guesses_right_;
  }

private:
  std::span<const planned_read> plan(std::span<sequence* const> batch,
                                     std::size_t prompt_budget);
  void add_guesses(std::span<const planned_read> reads,
                   std::optional<std::size_t> count);
  double read(std::span<const planned_read> reads);
  void settle(std::span<const planned_read> reads);
  void read_again(net_input& input, std::size_t guesses,
                  std::span<float> scores);
  std::size_t draw(sequence& item, std::span<float> scores,
                   std::span<const token_id> guesses);

  std::unique_ptr<causal_net> net_;
  step_planner planner_;
  prompt_pace pace_;
  sampler sampler_;
  std::optional<speculation> speculation_;
  std::uint64_t guesses_read_ = 0;
  std::uint64_t guesses_right_ = 0;
  // Of the step in progress; kept for their memory.
  std::vector<const sequence*> items_;
  std::vector<net_input> inputs_;
  std::vector<float> scores_;
  std::vector<token_id> guesses_;
};

} // namespace model_server
