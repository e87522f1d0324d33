// What is remembered of a request: what happened to it, and when. Never what
// was said.
#pragma once

#include "actors/trace_context.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace model_server {

/// Events of one reply at most; of further ones only the last is kept.
inline constexpr std::size_t most_story_events = 32;

/// What happened to a reply.
enum class story_step : std::uint8_t {
  /// Its request came.
  queued,
  /// A worker took it.
  placed,
  /// A worker has read its prompt, and made its first token then.
  prompt_read,
  /// Its worker is gone, or has given it up.
  left,
  /// Another worker goes on with it.
  moved,
  ended
};

std::string to_string(story_step step);

/// One event. Fields that its step knows nothing of are empty.
struct story_event {
  story_step step = story_step::queued;
  /// Since the request came.
  std::chrono::microseconds at{0};
  /// The worker's; of a move where it goes to.
  std::string device = {};
  /// Of a move: where it was.
  std::string from = {};
  /// Why it left or ended.
  std::string reason = {};
  /// In how many steps, and how long, the worker read the prompt, and how much
  /// of it was known there before.
  std::uint32_t prompt_steps = 0;
  std::chrono::microseconds prompt_time{0};
  std::uint32_t cached_tokens = 0;

  friend bool operator==(const story_event&, const story_event&) = default;
};

/// The steps in which tokens of a reply were made, and how many replies these
/// steps were for.
struct step_summary {
  std::uint64_t count = 0;
  std::uint32_t least_batch = 0;
  std::uint32_t largest_batch = 0;
  /// Sum over all steps.
  std::uint64_t batch_sum = 0;

  void add(std::uint32_t batch) {
    least_batch = count == 0 || batch < least_batch ? batch : least_batch;
    largest_batch = batch > largest_batch ? batch : largest_batch;
    batch_sum += batch;
    ++count;
  }

  friend bool operator==(const step_summary&, const step_summary&) = default;
};

/// What a client calls the request that a reply belongs to, and what logs and
/// traces say of it.
struct request_names {
  /// `x-request-id`: the client's own or ours.
  std::string public_id;
  /// Of the answer, `call-...`; no two requests have the same.
  std::string reply_id;
  trace_context trace;
  std::chrono::system_clock::time_point received{};

  friend bool operator==(const request_names&, const request_names&) = default;
};

/// The story of one reply so far.
struct reply_story {
  /// Of the reply, on its front.
  std::uint64_t id = 0;
  request_names names;
  /// Which of the request's choices or inputs it is.
  std::uint32_t index = 0;
  std::string model;
  std::string device;
  bool is_over = false;
  std::uint32_t prompt_tokens = 0;
  std::uint32_t completion_tokens = 0;
  std::uint32_t cached_tokens = 0;
  step_summary steps;
  /// In order.
  std::vector<story_event> events;
  /// That were too many to be kept.
  std::uint32_t events_left_out = 0;

  friend bool operator==(const reply_story&, const reply_story&) = default;
};

} // namespace model_server
