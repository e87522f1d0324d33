// Starts a reply actor for a request, with the writer that suits.
#include "http/actor_calls.hpp"

#include "actors/reply.hpp"
#include "http/json_writer.hpp"
#include "http/logging_writer.hpp"
#include "http/plain_answers.hpp"
#include "http/request_id.hpp"
#include "http/sse_writer.hpp"

#include <caf/send.hpp>

namespace model_server {

actor_calls::actor_calls(caf::actor_system& system, gateway_actor gateway,
                         const settings& config)
    : system_(system),
      gateway_(std::move(gateway)),
      serving_(config.serving),
      ping_interval_(config.http.ping_interval),
      logs_contents_(config.log.contents) {
  // nop
}

void actor_calls::start_reply(const http_request& request, chat_request call,
                              std::unique_ptr<reply_format> format,
                              std::unique_ptr<http_answer> answer) {
  if (call.is_streamed && !request.can_stream)
    return send_error(*answer, request,
                      {.status = 505,
                       .code = "http_version",
                       .message = "a stream needs HTTP/1.1",
                       .param = "stream"});
  reply_options options;
  options.gateway = gateway_;
  options.request = std::move(call.request);
  options.request.id = ++last_id_;
  options.request.trace_id = request.request_id;
  if (!call.has_seed)
    options.request.seed = new_seed();
  options.credit = serving_.credit;
  options.max_attempts = serving_.max_attempts;
  options.ping_interval = ping_interval_;
  options.deadline = serving_.request_timeout;
  options.worker_wait = serving_.worker_wait;
  // The answer goes into the writer, and the writer into the actor, before
  // there is an actor to tell of the client; what happens until then is told on
  // this thread afterwards.
  auto& fate = *answer;
  auto reply = std::make_shared<reply_actor>();
  fate.watch({.taken =
                  [reply](std::uint64_t mark) {
                    if (*reply)
                      caf::anon_send(*reply, written{mark});
                  },
              .client_left =
                  [reply] {
                    if (*reply)
                      caf::anon_send(*reply, client_left{});
                  }});
  if (call.is_streamed)
    options.writer =
        std::make_unique<sse_writer>(std::move(answer), std::move(format));
  else
    options.writer =
        std::make_unique<json_writer>(std::move(answer), std::move(format));
  if (logs_contents_)
    options.writer = std::make_unique<logging_writer>(std::move(options.writer),
                                                      options.request);
  *reply = spawn_reply(system_, std::move(options));
}

} // namespace model_server
