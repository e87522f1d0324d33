// The reply actor: owns one request and its token log, ends it exactly once.
#pragma once

#include "actors/interfaces.hpp"
#include "actors/reply_writer.hpp"
#include "actors/telemetry.hpp"

#include <caf/actor_system.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace model_server {

/// What a reply is started with, beside its writer.
struct reply_options {
  gateway_actor gateway;
  generation_request request;
  request_names names;
  /// Which of the request's choices or inputs it is.
  std::uint32_t index = 0;
  /// Another reply to the same prompt counts it in the figures.
  bool shares_prompt = false;
  telemetry_sinks telemetry;
  /// Of the key that asks, for the log.
  std::string key_name = "-";
  /// Not the first part of its request, which stands for it: waits for a worker
  /// where a new one would be refused because there is none now, and as in
  /// `submit`.
  bool is_promised = false;
  /// As in `submit`.
  bool has_right_of_way = false;
  /// Tokens that the worker may be ahead of the client.
  std::uint32_t credit = 64;
  /// Workers that may be lost under this request before it fails.
  std::uint32_t max_attempts = 3;
  /// A stream is pinged after this much silence.
  std::chrono::milliseconds ping_interval{10'000};
  /// The whole request, from submit to end.
  std::chrono::milliseconds deadline{600'000};
  /// How long ago the request came that this reply is a part of.
  std::chrono::milliseconds age{0};
  /// How long a reply without a worker waits for one.
  std::chrono::milliseconds worker_wait{30'000};
};

/// Starts a reply; it submits its request by itself. Safe from any thread.
reply_actor spawn_reply(caf::actor_system& system, reply_options options,
                        std::unique_ptr<reply_writer> writer);

} // namespace model_server
