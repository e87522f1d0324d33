// Which prompts a worker has read lately, so that those that begin alike can go
// to it.
#pragma once

#include "actors/messages.hpp"

#include <cstddef>
#include <cstdint>
#include <list>
#include <unordered_map>
#include <vector>

namespace model_server {

/// A prompt as a row of hashes: each stands for so many bytes and all before
/// them. A short rest at the end is left out.
class prompt_trail {
public:
  static constexpr std::size_t step_bytes = 128;

  explicit prompt_trail(const reply_prompt& prompt);

  const std::vector<std::uint64_t>& steps() const {
    return steps_;
  }

  /// About how many tokens the prompt has; nobody here knows the tokenizer.
  std::uint64_t tokens() const {
    return bytes_ / bytes_of_token;
  }

  /// About how many tokens so many steps are.
  static std::uint64_t tokens_of(std::size_t steps) {
    return steps * step_bytes / bytes_of_token;
  }

private:
  static constexpr std::uint64_t bytes_of_token = 4;

  std::vector<std::uint64_t> steps_;
  std::uint64_t bytes_ = 0;
};

/// What one worker has read lately: a guess at its prefix cache from outside,
/// made of the prompts that were sent to it. Bounded; what was used longest ago
/// is forgotten first, as in the cache itself.
class prefix_memory {
public:
  explicit prefix_memory(std::size_t most_steps = 32'768)
      : most_steps_(most_steps) {
  }
  prefix_memory(prefix_memory&&) = default;
  prefix_memory& operator=(prefix_memory&&) = default;

  /// How many steps of this prompt it has read.
  std::size_t known_steps(const prompt_trail& trail) const;

  /// It reads this prompt now.
  void read(const prompt_trail& trail);

  std::size_t size() const {
    return order_.size();
  }

private:
  using order = std::list<std::uint64_t>;

  std::size_t most_steps_;
  // The one used last in front.
  order order_;
  std::unordered_map<std::uint64_t, order::iterator> known_;
};

} // namespace model_server
