// How much of the prompts a step reads, so that replies in progress keep their
// pace.
#pragma once

#include "models/engine/recent_times.hpp"

#include <cstddef>

namespace model_server {

/// Learns from the steps that were taken what a token of a prompt costs, and
/// bounds what a step reads beside replies in progress: it shall take about
/// twice as long as without. Pure arithmetic over the numbers it is told.
class prompt_pace {
public:
  /// What a step reads when no reply waits for its next token.
  static constexpr std::size_t most_tokens = 256;

  /// One step in so many reads no prompt, so that the time of the replies alone
  /// is known.
  static constexpr std::size_t steps_between_measures = 64;

  /// The tokens of prompts that the next step may read beside `decoding`
  /// replies.
  std::size_t budget(std::size_t decoding) const;

  /// What a step has read, and how long it took.
  void took(std::size_t decoding, std::size_t prompt_tokens, double seconds);

private:
  bool knows(std::size_t decoding) const;

  // Of the last steps without prompts: how long they took, with how many
  // replies. Only for about as many replies as there are now.
  recent_times times_;
  std::size_t rows_ = 0;
  std::size_t steps_since_ = 0;
  // Seconds for a token of a prompt; 0 is unknown.
  double cost_ = 0.0;
  // What the last step with both has read; 0 if there was none.
  std::size_t last_ = 0;
};

} // namespace model_server
