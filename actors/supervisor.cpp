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

// The worker that a request goes to now; null if none may have it.
entity* choose(supervisor_pointer self, const submit& order) {
  prompt_trail trail{order.request.prompt};
  auto tokens = tokens_of(order, trail);
  // Embeddings use nothing that was read before.
  if (order.request.task == request_task::embedding)
    trail = prompt_trail{{}};
  auto* chosen = self->state.best_for(trail, order.version);
  if (!chosen)
    return nullptr;
  chosen->sent(trail, tokens);
  watch_idle(self);
  return chosen;
}

routed way_to(const entity& item) {
  return {item.incarnation, item.version()};
}

bool waits_for_load(supervisor_pointer self) {
  const auto& state = self->state;
  return state.loads_on_demand() && state.serves_nothing() && !state.is_retired
         && !state.is_draining;
}

// Answers later, by `go_on`, which is false where no worker takes the call.
template <class Answer, class Function>
caf::result<Answer> answer_once_loaded(supervisor_pointer self,
                                       const caf::actor& client,
                                       Function go_on) {
  if (auto refused = refuse_to_wait(self))
    return to_error(*refused);
  auto promise = self->make_response_promise<Answer>();
  waiting_call call;
  call.go_on = [=]() mutable { return go_on(promise); };
  call.refuse = [=](const caf::error& why) mutable { promise.deliver(why); };
  wait_for_load(self, std::move(call), client);
  return promise;
}

caf::result<admitted> route(supervisor_pointer self, submit& order,
                            reply_actor& sink) {
  const auto& state = self->state;
  if (auto* chosen = choose(self, order))
    return self->delegate(state.router, std::move(order), way_to(*chosen),
                          chosen->worker, std::move(sink));
  if (waits_for_load(self)) {
    auto client = caf::actor_cast<caf::actor>(sink);
    return answer_once_loaded<admitted>(
        self, client,
        [=](caf::typed_response_promise<admitted>& promise) mutable {
          auto* chosen = choose(self, order);
          if (chosen)
            promise.delegate(self->state.router, std::move(order),
                             way_to(*chosen), chosen->worker, std::move(sink));
          return chosen != nullptr;
        });
  }
  return to_error(state.no_worker_of(order.version, self->clock().now()));
}

// A question was sent: it takes no time worth noting, but it is work. An unload
// that is due comes behind it.
void note_work(supervisor_pointer self) {
  self->state.idle.see(false, self->clock().now());
  watch_idle(self);
}

// Any worker has the same answer.
template <class Answer, class Question>
caf::result<Answer> ask_any(supervisor_pointer self, Question& question) {
  if (auto* chosen = self->state.best_for(prompt_trail{{}})) {
    auto answer = self->delegate(chosen->worker, std::move(question));
    note_work(self);
    return answer;
  }
  if (waits_for_load(self))
    return answer_once_loaded<Answer>(
        self, {}, [=](caf::typed_response_promise<Answer>& promise) mutable {
          auto* chosen = self->state.best_for(prompt_trail{{}});
          if (!chosen)
            return false;
          promise.delegate(chosen->worker, std::move(question));
          note_work(self);
          return true;
        });
  return to_error(self->state.no_worker(self->clock().now()));
}

} // namespace

void look_again(supervisor_pointer self) {
  replace_workers(self);
  serve_demand(self);
  answer_unloads(self);
  end_retirement(self);
  watch_idle(self);
}

supervisor_actor::behavior_type supervisor(supervisor_pointer self,
                                           supervisor_options options) {
  self->state.options = std::move(options);
  self->state.options.figures->add_model(self->state.options.model.name);
  self->state.setting =
      std::make_shared<const model_setting>(self->state.options.model);
  self->state.setting_number = new_setting_number(self);
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
      [self](const unload_model&) { return unload(self); },
      [self](get_status) { return self->state.status(self->clock().now()); },
      [self](const model_setting& wanted) { change(self, wanted); },
      [self](retire_atom) { return retire(self); },
      [self](const drain&) {
        self->state.is_draining = true;
        refuse_demand(self, self->state.is_stopping());
        for (auto& item : self->state.entities)
          if (!item.is_leaving)
            answer(item, to_error(self->state.is_stopping()));
      },
      [self](shed_atom shed) {
        for (const auto& item : self->state.entities)
          if (item.has_worker())
            self->send(item.worker, shed);
      },
      [self](const token_router& router, const memory_keeper_actor& memory) {
        self->state.router = router;
        self->state.memory = memory;
      },
      [self](const worker_load& load) {
        auto* item = self->state.of_incarnation(load.incarnation);
        if (item && item->has_worker())
          item->take_load(load);
        watch_idle(self);
      },
      [self](const load_progress& told) { take_progress(self, told); },
      [self](const node_here& hello, const node_actor& node) {
        take_node(self, hello, node);
      },
      [self](const worker_here& hello, const worker_actor& worker) {
        greet(self, hello.ticket, worker);
      },
      [self](const worker_ended& report) { on_told_end(self, report); },
      [self](retry_atom, std::uint64_t incarnation) {
        auto* item = self->state.of_incarnation(incarnation);
        if (!item || item->state != entity_state::restarting)
          return;
        restart(self, *item);
      },
      [self](tick_atom, std::uint64_t incarnation) {
        auto* item = self->state.of_incarnation(incarnation);
        if (item && item->is_leaving)
          self->send(item->worker, end_replies{item->last_word});
      },
      [self](late_atom) { refuse_late(self); },
      [self](stuck_atom, std::uint64_t incarnation) {
        give_up_load(self, incarnation);
      },
      [self](idle_atom) {
        self->state.idle.looked(self->clock().now());
        watch_idle(self);
      },
  };
}

} // namespace model_server
