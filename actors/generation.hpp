// One reply as its worker sees it: what it was asked, and how far it is.
#pragma once

#include "actors/interfaces.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace model_server {

/// A reply in a worker's queue or batch. Never moves in memory: the sequence
/// points to the conversation beside it.
class generation {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// `prompt` is the encoded conversation and shorter than the model's context.
  /// The tokens of the submit's log follow it.
  generation(submit order, token_sink sink, std::vector<token_id> prompt,
             sequence_id id, const model_info& info, time_point arrived);
  generation(const generation&) = delete;
  generation& operator=(const generation&) = delete;

  request_id id() const {
    return request_.id;
  }

  /// Whom the tokens are for.
  const token_sink& sink() const {
    return sink_;
  }

  /// What the model sees.
  sequence& state() {
    return state_;
  }
  const sequence& state() const {
    return state_;
  }

  /// The smaller, the sooner it is its turn.
  std::int32_t priority() const {
    return request_.priority;
  }

  /// It has had a place before, here or with another worker: it goes before
  /// those that had none.
  bool is_underway() const {
    return is_underway_;
  }

  time_point arrived() const {
    return arrived_;
  }

  /// Another part of its request stands for it.
  bool is_promised() const {
    return is_promised_;
  }

  /// It has had no place, and stands for its request.
  bool may_be_refused() const {
    return !is_underway_ && !is_promised_;
  }

  /// Another reply has its place now.
  void give_up_place() {
    is_underway_ = true;
  }

  /// A worker broke while this reply was in its step, and it has not come past
  /// that place since: it may be the cause, so it takes its steps alone. A
  /// model's step is a function of the log, so whoever survives that step is
  /// innocent.
  bool is_suspect() const {
    return known_ < suspect_until_;
  }

  /// An embedding is wanted and no reply.
  bool is_embedding() const {
    return request_.task == request_task::embedding;
  }

  /// Nothing is left to make: the log that came with it was the whole reply.
  bool is_complete() const {
    return !is_embedding() && state_.reply_size() >= most_tokens_;
  }

  /// Tokens that are left to compute: the prompt as long as nothing was made of
  /// it, and what the reply may still come to. Few replies come near their
  /// limits, so that is a guess.
  std::uint64_t tokens_to_do() const;

  /// What a reply is taken to come to if nobody knows better.
  static constexpr std::uint64_t usual_reply = 256;

  /// True if the reply may be given another token now.
  bool may_step() const {
    return is_embedding() || (!is_complete() && state_.reply_size() < credit_);
  }

  /// Lets the reply grow; a smaller number than before changes nothing.
  void raise_credit(std::uint64_t up_to);

  /// It takes part in a step that begins now.
  void enter_step(time_point now);

  /// What the last step, over now, has made: tokens up to the first end token
  /// or to the most that are allowed, with their texts, and whether that was
  /// the end. Or the embedding, once it is there.
  token_chunk take_new_tokens(const model_entry& entry,
                              std::uint64_t incarnation, time_point now);

  /// Tokens that `take_new_tokens` has given out, and those of the log.
  std::size_t tokens_known() const {
    return known_;
  }

private:
  void take_tokens(const model_entry& entry, token_chunk& chunk);

  generation_request request_;
  token_sink sink_;
  sequence state_;
  std::uint64_t credit_ = 0;
  std::size_t most_tokens_ = 0;
  std::size_t known_ = 0;
  bool has_made_ = false;
  // Of the prompt, until something was made of it.
  prompt_reading reading_;
  time_point reading_since_{};
  time_point arrived_;
  bool is_underway_ = false;
  bool is_promised_ = false;
  std::uint64_t suspect_until_ = 0;
};

} // namespace model_server
