// The token router: one per front, between its replies and their workers.
#pragma once

#include "actors/interfaces.hpp"

#include <caf/actor_addr.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <unordered_map>

namespace model_server {

/// Everything the router is started with.
struct token_router_options {
  /// Replies to have room for from the start.
  std::size_t replies = 256;
};

/// What the router knows.
struct token_router_state {
  explicit token_router_state(caf::local_actor*) {
    // starts empty
  }

  /// A reply, from its first route until it ends.
  struct route {
    reply_actor reply;
    /// Null while none is known to work on it.
    worker_actor worker;
    std::uint64_t incarnation = 0;
    /// What the worker was asked last, and who waits for the answer. Here and
    /// not with the request, whose answer never comes if the link breaks.
    std::uint64_t asked = 0;
    caf::typed_response_promise<admitted> answer;
  };

  /// Null if the reply is gone.
  route* find(request_id id);

  /// The same, and if something else was asked for it since.
  route* who_asked(request_id id, std::uint64_t asked);

  /// This worker does no more for the reply.
  void forget_worker(request_id id, std::uint64_t incarnation);

  /// For the logs.
  const char* name = "token_router";
  std::uint64_t last_asked = 0;
  std::unordered_map<request_id, route> routes;
  std::map<caf::actor_addr, request_id> ids;
};

/// Forwards in the order of arrival, so that a reply hears of its admission
/// before its first token. When a reply ends, however it does, its worker is
/// told to drop it.
token_router::behavior_type
route_tokens(token_router::stateful_pointer<token_router_state> self,
             token_router_options options);

} // namespace model_server
