// Steps a network over many sequences at once: plan, read, draw.
#pragma once

#include "models/engine/prompt_pace.hpp"
#include "models/engine/sampler.hpp"
#include "models/engine/step_planner.hpp"
#include "models/nets/causal_net.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace model_server {

/// A network and its memory, driven in steps. What a sequence gets depends on
/// its own tokens and sampling alone, as far as the network keeps that promise:
/// not on the others, on how its prompt is cut, nor on what is shared or lost.
class batch_engine {
public:
  /// `blocks` is the memory for keys and values, at least one.
  batch_engine(std::unique_ptr<causal_net> net, std::size_t blocks);

  /// One step as `model_entry::step` describes it. How much of the prompts is
  /// read follows from how long steps take, unless it is given.
  void step(std::span<sequence* const> batch,
            std::optional<std::size_t> prompt_budget = std::nullopt);

  /// Gives back what a sequence holds. Unknown ids are ignored.
  void release(sequence_id id);

  void use_threads(int count) {
    net_->use_threads(count);
  }

  /// Who holds what; for tests.
  const step_planner& planner() const {
    return planner_;
  }

private:
  std::span<const planned_read> plan(std::span<sequence* const> batch,
                                     std::size_t prompt_budget);
  void read(std::span<const planned_read> reads);

  std::unique_ptr<causal_net> net_;
  step_planner planner_;
  prompt_pace pace_;
  sampler sampler_;
  // Of the step in progress; kept for their memory.
  std::vector<net_input> inputs_;
  std::vector<float> scores_;
};

} // namespace model_server
