// The request history: remembers what happened to the last requests.
#pragma once

#include "actors/interfaces.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <cstddef>
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

namespace model_server {

/// Everything the history is started with.
struct request_history_options {
  /// Replies that are remembered, those in progress among them; the oldest give
  /// way.
  std::size_t replies = 1000;
};

/// What the history knows.
struct request_history_state {
  explicit request_history_state(caf::local_actor*) {
    // options come with the behaviour
  }

  /// A reply, by its names.
  struct known_reply {
    story_begun begun;
    /// Null once it is over.
    reply_actor reply;
    /// There once it is over.
    std::optional<reply_story> story;
  };

  /// For the logs.
  const char* name = "request_history";
  request_history_options options;
  /// In the order in which they were first heard of.
  std::deque<known_reply> replies;

  known_reply& begin(const story_begun& begun, reply_actor reply);

  /// Of one that has begun, or of one that was over too soon for that.
  void end(reply_story story);

  /// Null if it is forgotten.
  known_reply* find(request_id id);

  /// The replies to the latest request with this id, in order.
  std::vector<const known_reply*> of(std::string_view id) const;
};

/// Asks replies in progress for their stories and keeps those of the others.
history_actor::behavior_type
request_history(history_actor::stateful_pointer<request_history_state> self,
                request_history_options options);

} // namespace model_server
