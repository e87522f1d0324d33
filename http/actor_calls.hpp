// From the endpoints to the actors: starts replies, asks the gateway.
#pragma once

#include "actors/telemetry.hpp"
#include "config/settings.hpp"
#include "http/chat_request.hpp"
#include "http/error_reply.hpp"
#include "http/exchange.hpp"
#include "http/reply_format.hpp"

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

namespace model_server {

/// What every endpoint works with. The system must outlive it; nothing here
/// waits; calls may overlap.
class actor_calls {
public:
  actor_calls(caf::actor_system& system, gateway_actor gateway,
              telemetry_sinks telemetry, const settings& config);

  /// Starts a reply for each choice and lets them answer together, in this
  /// format, with a stream or as a whole. The request has everything but its
  /// ids, and the seed if the client gave none. Each further choice of a prompt
  /// has the seed that follows. Embeddings are started a few at a time.
  void start_replies(const http_request& request, chat_request call,
                     std::unique_ptr<reply_format> format,
                     std::unique_ptr<http_answer> answer);

  /// Asks the gateway by way of a small actor, which waits in our stead and
  /// hands the result to `write`, a function of a `http_answer&` and the
  /// result. A client that leaves doesn't stop what it has asked for.
  template <class Result, class Order, class Write>
  void ask(Order order, caf::duration patience, failed_at where,
           std::unique_ptr<http_answer> answer, Write write) {
    ask_actor<Result>(gateway_, std::move(order), patience, where,
                      std::move(answer), std::move(write));
  }

  /// Asks for the state of every model.
  template <class Write>
  void ask_status(std::unique_ptr<http_answer> answer, Write write) {
    ask<server_status>(get_status{}, caf::duration{no_time},
                       failed_at::administration, std::move(answer),
                       std::move(write));
  }

  /// Asks what happened to a request.
  template <class Write>
  void ask_stories(std::string id, std::unique_ptr<http_answer> answer,
                   Write write) {
    ask_actor<request_stories>(
        telemetry_.history, get_stories{std::move(id)}, caf::duration{no_time},
        failed_at::administration, std::move(answer), std::move(write));
  }

private:
  // What actors of the front answer by themselves takes no time.
  static constexpr std::chrono::seconds no_time{10};

  template <class Result, class Handle, class Order, class Write>
  void ask_actor(const Handle& whom, Order order, caf::duration patience,
                 failed_at where, std::unique_ptr<http_answer> answer,
                 Write write) {
    std::shared_ptr<http_answer> to = std::move(answer);
    // The actor is an argument though it could be captured: without any, CAF
    // 0.17 dereferences a null pointer to them.
    system_.spawn(
        [=](caf::event_based_actor* self, const Handle& asked) {
          self->request(asked, patience, order)
              .then([=](const Result& result) { write(*to, result); },
                    [=](const caf::error& reason) {
                      to->send(to_response(
                          to_error_reply(to_failure(reason), where)));
                    });
        },
        whom);
  }

  caf::actor_system& system_;
  gateway_actor gateway_;
  telemetry_sinks telemetry_;
  serving_settings serving_;
  std::chrono::milliseconds ping_interval_;
  bool logs_contents_;
  std::size_t most_embeddings_;
  std::atomic<request_id> last_id_{0};
};

} // namespace model_server
