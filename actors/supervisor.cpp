// The supervisor actor: one per model name, owns its workers.
#include "actors/supervisor.hpp"

#include "actors/generation.hpp"
#include "actors/supervisor_parts.hpp"

#include <algorithm>
#include <utility>

namespace model_server {

namespace {

// What a request may come to, before a worker has seen it.
std::uint64_t tokens_of(const submit& order, const prompt_trail& trail) {
  if (order.request.task == request_task::embedding)
    return trail.tokens();
  auto most = order.request.max_tokens;
  auto reply = most > 0 ? std::min<std::uint64_t>(most, generation::usual_reply)
                        : generation::usual_reply;
  return trail.tokens() + order.log.size() + reply;
}

caf::result<admitted> route(supervisor_pointer self, submit& order,
                            reply_actor& sink) {
  prompt_trail trail{order.request.prompt};
  auto tokens = tokens_of(order, trail);
  // Embeddings use nothing that was read before.
  if (order.request.task == request_task::embedding)
    trail = prompt_trail{{}};
  auto* chosen = self->state.best_for(trail);
  if (!chosen)
    return to_error(self->state.no_worker(self->clock().now()));
  chosen->sent(trail, tokens);
  return self->delegate(self->state.router, std::move(order),
                        routed{chosen->incarnation}, chosen->worker,
                        std::move(sink));
}

// Any worker has the same answer.
template <class Answer, class Question>
caf::result<Answer> ask_any(supervisor_pointer self, Question& question) {
  auto* chosen = self->state.best_for(prompt_trail{{}});
  if (!chosen)
    return to_error(self->state.no_worker(self->clock().now()));
  return self->delegate(chosen->worker, std::move(question));
}

} // namespace

supervisor_actor::behavior_type supervisor(supervisor_pointer self,
                                           supervisor_options options) {
  self->state.options = std::move(options);
  self->state.options.figures->add_model(self->state.options.model.name);
  self->set_down_handler(
      [self](const caf::down_msg& down) { on_down(self, down); });
  self->set_exit_handler([self](const caf::exit_msg& exit) {
    dismiss_all(self, self->state.entities);
    dismiss_all(self, self->state.departing);
    self->quit(exit.reason);
  });
  take_legacy(self);
  return {
      [self](submit& order, reply_actor& sink) {
        return route(self, order, sink);
      },
      [self](tokenize& question) { return ask_any<tokenized>(self, question); },
      [self](detokenize& question) {
        return ask_any<detokenized>(self, question);
      },
      [self](const add_device& order) {
        return add(self, order.device, order.wait);
      },
      [self](const remove_device& order) { return remove(self, order); },
      [self](const activate_model& order) { return activate(self, order); },
      [self](get_status) { return self->state.status(); },
      [self](const drain&) {
        for (auto& item : self->state.entities)
          if (!item.is_leaving)
            answer(item, to_error(self->state.is_stopping()));
      },
      [self](const token_router& router) { self->state.router = router; },
      [self](const worker_load& load) {
        auto* item = self->state.of_incarnation(load.incarnation);
        if (item && item->has_worker())
          item->take_load(load);
      },
      [self](const load_progress& told) { take_progress(self, told); },
      [self](const node_here& hello, const node_actor& node) {
        take_node(self, hello, node);
      },
      [self](const worker_here& hello, const worker_actor& worker) {
        greet(self, hello.ticket, worker);
      },
      [self](const worker_ended& report) { on_end(self, report); },
      [self](retry_atom, std::uint64_t incarnation) {
        auto* item = self->state.of_incarnation(incarnation);
        if (!item || item->state != entity_state::restarting)
          return;
        restart(self, *item);
      },
      [self](tick_atom, std::uint64_t incarnation) {
        auto* item = self->state.of_incarnation(incarnation);
        if (item && item->is_leaving)
          self->send(item->worker, end_replies{self->state.removed_last()});
      },
  };
}

} // namespace model_server
