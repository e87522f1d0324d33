// How a dialect words a reply: implemented by each, used by the two writers.
#pragma once

#include "actors/reply_writer.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace model_server {

/// Words one reply, either as one JSON answer or as the events of a stream:
/// `opening` once, `piece` any number of times, `ending` unless the reply
/// fails. An event is a whole block of lines, with the empty one that ends it.
class reply_format {
public:
  virtual ~reply_format() = default;

  /// The whole answer; `tokens` as they came with the text.
  virtual std::string whole(std::string_view text,
                            std::span<const token> tokens,
                            const reply_summary& summary) = 0;

  /// What a stream begins with, before there is any text. May be empty.
  virtual std::string opening() = 0;

  /// The event of one piece; `last` and `tokens` as in `reply_writer::text`.
  virtual std::string piece(std::string_view text, std::uint64_t last,
                            std::span<const token> tokens) = 0;

  /// The events that end a reply, but for `[DONE]`.
  virtual std::string ending(const reply_summary& summary) = 0;
};

} // namespace model_server
