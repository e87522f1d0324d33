// How a dialect words an answer: implemented by each, used by joint_answer.
#pragma once

#include "actors/reply_writer.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// One reply of an answer, complete.
struct written_choice {
  std::string text;
  /// As they came with the text.
  std::vector<token> tokens;
  reply_summary summary;
};

/// What all the choices of an answer took together.
struct usage_counts {
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  std::uint64_t cached_tokens = 0;
};

/// One event of a stream with these data.
inline std::string event_of(std::string_view data) {
  std::string result{"data: "};
  return result.append(data).append("\n\n");
}

/// Words the choices of one request, either as one JSON answer or as the events
/// of a stream: `opening` for each choice in order, `piece` any number of
/// times, `ending` once for each choice, then `closing`; not all of it if the
/// request fails. An event is a whole block of lines, with the empty one that
/// ends it. `place` comes at any time.
class reply_format {
public:
  virtual ~reply_format() = default;

  /// The whole answer; never without choices.
  virtual std::string whole(std::span<const written_choice> choices,
                            const usage_counts& usage) = 0;

  /// A choice is made on this device from now on.
  virtual void place(std::size_t, std::string_view) {
    // few dialects tell
  }

  /// What a choice begins with, before there is any text. May be empty.
  virtual std::string opening(std::size_t choice) = 0;

  /// The event of one piece; `last` and `tokens` as in `reply_writer::text`.
  virtual std::string piece(std::size_t choice, std::string_view text,
                            std::uint64_t last,
                            std::span<const token> tokens) = 0;

  /// The event that ends a choice.
  virtual std::string ending(std::size_t choice,
                             const reply_summary& summary) = 0;

  /// What follows the last choice's end, but for `[DONE]`. May be empty.
  virtual std::string closing(const usage_counts& usage) = 0;
};

} // namespace model_server
