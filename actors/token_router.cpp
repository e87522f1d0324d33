// The token router: one per front, between its replies and their workers.
#include "actors/token_router.hpp"

#include <caf/send.hpp>

#include <utility>

namespace model_server {

namespace {

using router_pointer = token_router::stateful_pointer<token_router_state>;

// The worker knows the router alone: a reply that went along as the sender
// would get a proxy of its own in the worker's process.
caf::result<admitted> send_on(router_pointer self, submit& order,
                              const routed& way, const worker_actor& worker,
                              const reply_actor& reply) {
  auto& state = self->state;
  auto id = order.request.id;
  if (state.ids.emplace(reply.address(), id).second)
    self->monitor(reply);
  auto asked = ++state.last_asked;
  auto answer = self->make_response_promise<admitted>();
  state.routes[id] = {reply, worker, way.incarnation, asked, answer};
  // Before the worker sees the request, so that its end cannot come first.
  self->send(reply, way, worker);
  self->request(worker, caf::infinite, std::move(order), token_sink{self})
      .then(
          [=](const admitted& facts) {
            if (auto* waiting = self->state.who_asked(id, asked))
              waiting->answer.deliver(facts);
          },
          [=](caf::error& reason) {
            auto* waiting = self->state.who_asked(id, asked);
            if (!waiting)
              return;
            waiting->worker = nullptr;
            waiting->answer.deliver(std::move(reason));
          });
  return answer;
}

void deliver(router_pointer self, token_chunk& chunk) {
  auto* found = self->state.find(chunk.id);
  if (!found)
    return;
  if (chunk.finish != finish_reason::none)
    self->state.forget_worker(chunk.id, chunk.incarnation);
  self->send(found->reply, std::move(chunk));
}

// Messages that are a worker's last one for a reply.
template <class Message>
void deliver_last(router_pointer self, Message& last) {
  auto* found = self->state.find(last.id);
  if (!found)
    return;
  self->state.forget_worker(last.id, last.incarnation);
  self->send(found->reply, std::move(last));
}

void on_down(router_pointer self, const caf::down_msg& down) {
  auto& state = self->state;
  auto known = state.ids.find(down.source);
  if (known == state.ids.end())
    return;
  auto gone = state.routes.extract(known->second);
  state.ids.erase(known);
  if (!gone.empty() && gone.mapped().worker)
    caf::anon_send(gone.mapped().worker, cancel{gone.key()});
}

} // namespace

token_router_state::route* token_router_state::find(request_id id) {
  auto found = routes.find(id);
  return found == routes.end() ? nullptr : &found->second;
}

token_router_state::route* token_router_state::who_asked(request_id id,
                                                         std::uint64_t asked) {
  auto* found = find(id);
  return found && found->asked == asked ? found : nullptr;
}

void token_router_state::forget_worker(request_id id,
                                       std::uint64_t incarnation) {
  auto* found = find(id);
  if (found && found->incarnation == incarnation)
    found->worker = nullptr;
}

token_router::behavior_type route_tokens(router_pointer self,
                                         token_router_options options) {
  self->state.routes.reserve(options.replies);
  self->set_down_handler(
      [self](const caf::down_msg& down) { on_down(self, down); });
  return {
      [self](step_chunks& step) {
        for (auto& chunk : step.chunks)
          deliver(self, chunk);
      },
      [self](reply_failed& end) { deliver_last(self, end); },
      [self](moved& notice) { deliver_last(self, notice); },
      [self](const worker_gone& lost) {
        for (const auto& [id, route] : self->state.routes)
          if (route.incarnation == lost.incarnation)
            self->send(route.reply, lost); // which also compares the models
      },
      [self](submit& order, const routed& way, const worker_actor& worker,
             const reply_actor& reply) {
        return send_on(self, order, way, worker, reply);
      },
  };
}

} // namespace model_server
