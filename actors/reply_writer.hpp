// How a reply leaves the house: implemented by http, called by the reply actor.
#pragma once

#include "actors/messages.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// Counts and facts of a reply that ended well.
struct reply_summary {
  finish_reason finish = finish_reason::stop;
  std::uint64_t seed = 0;
  /// Where the last token was made.
  std::string device;
  std::uint32_t prompt_tokens = 0;
  std::uint32_t completion_tokens = 0;
  std::uint32_t cached_tokens = 0;
  /// Of a request for one; there was no text then.
  std::vector<float> embedding = {};
};

/// Writes one reply to its client. Called by one reply actor, on CAF's threads,
/// in this order: `begin` once, `text` and `resume` any number of times, then
/// exactly one of `end` and `fail`; `fail` may also come first. `ping` at any
/// time before the end, `begin` included. No call blocks and none throws.
class reply_writer {
public:
  virtual ~reply_writer() = default;

  /// The request was admitted by a worker.
  virtual void begin(const admitted& facts) = 0;

  /// Another worker goes on with it, perhaps on another device.
  virtual void resume(const admitted& facts) = 0;

  /// More of the reply, whole UTF-8 characters. `last` is the number of the
  /// last token in it; it grows, except that what was held back at the end of
  /// a reply may come with the number before it once more. `tokens` is empty
  /// unless the request asks for logprobs: then it has those whose own text is
  /// out with this piece, all of it, in order; the piece itself may be empty
  /// (special tokens have no text). A token that a stop string cuts never
  /// comes.
  virtual void text(std::string_view piece, std::uint64_t last,
                    std::span<const token> tokens) = 0;

  virtual void end(const reply_summary& summary) = 0;

  virtual void fail(const failure& reason) = 0;

  /// Nothing was written for a while and the reply is alive.
  virtual void ping() = 0;

  /// True if `written` messages will come back and bound how far the worker
  /// runs ahead; else the reply gives credit without end.
  virtual bool reports_progress() const = 0;
};

} // namespace model_server
