// What is told of a reply: its part in the figures, and its story.
#pragma once

#include "actors/figures.hpp"
#include "actors/messages.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace model_server {

/// Hears of every event of one reply once, as it happens, and counts it. Pure:
/// sends nothing and looks at no clock.
class reply_record {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// Tells of nothing.
  reply_record() = default;

  /// `counted_in` may be null: then there is only a story. `counts_prompt` is
  /// false if another reply to the same prompt counts it.
  reply_record(std::shared_ptr<figures> counted_in, reply_story begun,
               bool counts_prompt, time_point started);

  /// A worker has taken it.
  void placed(const admitted& facts, time_point now);

  /// Its worker has sent what a step made, `tokens` new ones of it.
  void made(const token_chunk& chunk, std::size_t tokens, time_point now);

  /// Its worker is gone or has given it up.
  void left(std::string_view why, time_point now);

  /// Its worker broke, and it may have been the cause.
  void suspected();

  /// It has ended well. Of the four ends one comes, and comes last.
  void finished(finish_reason how, time_point now);
  void failed(const failure& why, time_point now);
  void client_left(time_point now);

  const reply_story& story() const {
    return story_;
  }

private:
  void note(story_event event, time_point now);
  void read_prompt(const token_chunk& chunk, time_point now);
  void end(request_outcome outcome, std::string reason, time_point now);
  double seconds_to(time_point now) const;

  std::shared_ptr<figures> figures_;
  model_figures* model_ = nullptr;
  device_figures* device_ = nullptr;
  reply_story story_;
  bool counts_prompt_ = true;
  time_point started_{};
  // A worker has it.
  bool is_placed_ = false;
  // One has or had it.
  bool was_placed_ = false;
  // Some worker has come past its prompt.
  bool was_read_ = false;
  // The worker it has now has not.
  bool is_new_there_ = false;
  std::optional<time_point> last_token_;
};

} // namespace model_server
