// The reply actor: owns one request and its token log, ends it exactly once.
#include "actors/reply.hpp"

#include "actors/reply_state.hpp"
#include "config/logging.hpp"

#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <algorithm>
#include <exception>
#include <utility>
#include <vector>

namespace model_server {

namespace {

using reply_pointer = reply_actor::stateful_pointer<reply_state>;

// A reply without a worker asks for one again after this pause.
constexpr auto retry_pause = std::chrono::milliseconds{100};

// A worker is down: so long the supervisor may take to say why. It knows within
// milliseconds, unless it has ended itself.
constexpr auto word_wait = std::chrono::seconds{2};

// -- the end ------------------------------------------------------------------

void log_end(reply_pointer self, std::string_view finish) {
  const auto& state = self->state;
  auto duration = std::chrono::duration_cast<std::chrono::milliseconds>(
      self->clock().now() - state.started);
  // The parts of a request that has many are one line by its first.
  auto level =
      state.options.has_right_of_way ? log_level::debug : log_level::info;
  log_event(level, "request_done",
            {{"request_id", state.options.names.public_id},
             {"trace_id", optional_text{state.options.names.trace.trace_id}},
             {"span_id", optional_text{state.options.names.trace.span_id}},
             {"key", state.options.key_name},
             {"model", state.options.request.model},
             {"device", state.facts.device},
             {"finish", finish},
             {"prompt_tokens", state.facts.prompt_tokens},
             {"tokens", state.progress.last()},
             {"attempts", state.attempt},
             {"duration_ms", duration.count()}});
}

// Nothing is handled after this: the actor ends with the handler. The token
// router sees that, and tells a worker that goes on.
void leave(reply_pointer self, std::string_view finish) {
  self->state.has_ended = true;
  log_end(self, finish);
  if (const auto& history = self->state.options.telemetry.history)
    self->send(history, self->state.record.story());
  if (self->state.worker)
    self->demonitor(self->state.worker.address());
  self->quit();
}

void fail(reply_pointer self, const failure& reason) {
  // First, so that a client that asks finds itself counted.
  self->state.record.failed(reason, self->clock().now());
  self->state.writer->fail(reason);
  leave(self, to_string(reason.code));
}

void finish(reply_pointer self, finish_reason how,
            std::vector<float> embedding) {
  auto& state = self->state;
  auto summary = state.summary(how);
  summary.embedding = std::move(embedding);
  state.record.finished(how, self->clock().now());
  state.writer->end(summary);
  leave(self, to_string(how));
}

// -- finding a worker ---------------------------------------------------------

void ask_for_worker(reply_pointer self);

void forget_worker(reply_pointer self) {
  auto& state = self->state;
  if (state.worker)
    self->demonitor(state.worker.address());
  state.forget_worker();
}

void give_up_worker(reply_pointer self, std::string_view why) {
  auto now = self->clock().now();
  forget_worker(self);
  self->state.wait_for_worker(now);
  self->state.record.left(why, now);
}

// The worker gave this reply up through no fault of its own.
void go_elsewhere(reply_pointer self) {
  give_up_worker(self, "its device was removed");
  ask_for_worker(self);
}

// The worker went down under this reply: another one goes on from the log.
void lose_worker(reply_pointer self, const worker_end& end,
                 std::string_view why) {
  auto& state = self->state;
  give_up_worker(self, why);
  switch (state.judge(end)) {
  case reply_state::consequence::ask_again:
    return ask_for_worker(self);
  case reply_state::consequence::give_up:
    return fail(self, state.too_many_lost());
  case reply_state::consequence::is_poison:
    return fail(self, state.poison());
  }
}

// The worker is down, the supervisor knows why and says so; if not, that is all
// that will ever be known.
void await_word(reply_pointer self) {
  const auto& state = self->state;
  self->delayed_send(self, word_wait,
                     worker_gone{state.options.request.model,
                                 state.facts.incarnation,
                                 {},
                                 "nobody knows why"});
}

// No worker now; there may be one soon.
void ask_again_later(reply_pointer self, const std::string& last_words) {
  auto& state = self->state;
  auto now = self->clock().now();
  state.wait_for_worker(now);
  auto left = state.options.worker_wait - state.time_without_worker(now);
  if (left <= left.zero())
    return fail(self, state.nobody_went_on(last_words));
  self->delayed_send(self, std::min<decltype(left)>(retry_pause, left),
                     retry_atom::value);
}

void take_refusal(reply_pointer self, const caf::error& reason) {
  auto is_going_down =
      !is_failure(reason) || to_failure(reason).code == errc::worker_lost;
  if (is_going_down && self->state.worker)
    return; // the supervisor says more of its end
  if (is_going_down)
    return ask_again_later(self, "the last one is gone");
  auto what = to_failure(reason);
  auto is_passing_by = self->state.worker && what.code == errc::model_loading;
  forget_worker(self);
  // It was told to go while this request was on its way.
  if (is_passing_by)
    return ask_for_worker(self);
  auto is_passing =
      what.code == errc::model_loading || what.code == errc::model_not_active;
  if (self->state.may_wait() && is_passing)
    return ask_again_later(self, what.message);
  fail(self, what);
}

void take_route(reply_pointer self, const routed& route, worker_actor& worker) {
  self->state.take_route(std::move(worker), route);
  self->monitor(self->state.worker);
}

void take_facts(reply_pointer self, const admitted& facts) {
  auto& state = self->state;
  auto now = self->clock().now();
  state.take_facts(facts, now);
  if (state.has_begun) {
    // What the client took while no worker knew of the reply.
    if (state.worker)
      caf::anon_send(state.worker, credit{state.options.request.id,
                                          state.credit_for_worker.grant()});
    return state.writer->resume(facts);
  }
  state.has_begun = true;
  state.last_sign = now;
  state.writer->begin(facts);
}

void ask_for_worker(reply_pointer self) {
  // The router answers, when the worker has answered it.
  auto is_void = [self, asked = self->state.asked] {
    return asked != self->state.asked;
  };
  self->request(self->state.options.gateway, caf::infinite,
                self->state.next_order(), reply_actor{self})
      .then(
          [=](const admitted& facts) {
            if (!is_void())
              take_facts(self, facts);
          },
          [=](const caf::error& reason) {
            if (!is_void())
              take_refusal(self, reason);
          });
}

// -- tokens -------------------------------------------------------------------

void raise_credit(reply_pointer self) {
  auto& state = self->state;
  if (!state.worker)
    return;
  // Anonymous, or its process would learn of this actor, at a cost.
  if (auto up_to = state.credit_for_worker.raise())
    caf::anon_send(state.worker, credit{state.options.request.id, *up_to});
}

void take_tokens(reply_pointer self, const token_chunk& chunk) {
  auto& state = self->state;
  if (!state.is_of_worker(chunk.incarnation))
    return; // of one that was given up
  if (state.progress.is_ahead(chunk)) {
    // Cannot happen while messages keep their order; the log mends it.
    caf::anon_send(state.worker, cancel{state.options.request.id});
    return lose_worker(self, {}, "tokens of it were lost");
  }
  if (chunk.first == 1)
    state.cached_tokens = chunk.cached_tokens;
  auto before = state.progress.last();
  auto step = state.progress.take(chunk);
  auto last = state.progress.last();
  auto now = self->clock().now();
  state.record.made(chunk, last - before, now);
  if (last > before)
    state.waited = {}; // this outage is over
  state.credit_for_worker.made(last);
  if (!step.text.empty() || !step.tokens.empty()) {
    state.credit_for_worker.wrote(last);
    state.last_sign = now;
    state.writer->text(step.text, last, step.tokens);
  }
  if (step.finish != finish_reason::none)
    return finish(self, step.finish, chunk.embedding);
  raise_credit(self);
}

// -- time ---------------------------------------------------------------------

// From now on its story can be asked for. Not from the beginning: most replies
// are over before anybody could, and a message costs more than they can spare.
void announce(reply_pointer self) {
  const auto& options = self->state.options;
  if (options.telemetry.history
      && !std::exchange(self->state.is_announced, true))
    self->send(options.telemetry.history,
               story_begun{options.request.id, options.names.public_id,
                           options.names.reply_id},
               reply_actor{self});
}

void watch_time(reply_pointer self) {
  auto& state = self->state;
  auto now = self->clock().now();
  if (now - state.started >= state.options.deadline)
    return fail(self, state.too_slow());
  announce(self);
  if (now - state.last_sign >= state.options.ping_interval) {
    state.last_sign = now;
    state.writer->ping();
  }
}

// -- behaviour ----------------------------------------------------------------

// However the actor ends, its client hears of it.
void set_endings(reply_pointer self) {
  self->set_down_handler([self](const caf::down_msg& down) {
    if (self->state.worker == down.source)
      await_word(self);
  });
  self->set_exit_handler([self](const caf::exit_msg&) {
    fail(self, {errc::shutting_down, "the server is stopping", "", 5});
  });
  self->set_exception_handler([self](std::exception_ptr&) -> caf::error {
    if (!self->state.has_ended)
      fail(self, {errc::internal_error, "internal error", "", 0});
    return caf::sec::runtime_error;
  });
}

reply_actor::behavior_type reply(reply_pointer self, reply_options options,
                                 std::unique_ptr<reply_writer> writer) {
  self->state.begin(std::move(options), std::move(writer), self->clock().now());
  set_endings(self);
  ask_for_worker(self);
  return {
      [self](const token_chunk& chunk) { take_tokens(self, chunk); },
      [self](const reply_failed& end) {
        if (self->state.is_of_worker(end.incarnation))
          fail(self, end.reason);
      },
      [self](const moved& notice) {
        if (self->state.is_of_worker(notice.incarnation))
          go_elsewhere(self);
      },
      [self](const routed& route, worker_actor& worker) {
        take_route(self, route, worker);
      },
      [self](const worker_gone& lost) {
        if (self->state.options.request.model == lost.model
            && self->state.is_of_worker(lost.incarnation))
          lose_worker(self, lost.end, lost.reason);
      },
      [self](const stop_reply& order) { fail(self, order.reason); },
      [self](const written& progress) {
        self->state.credit_for_worker.taken(progress.up_to);
        raise_credit(self);
      },
      [self](client_left) {
        self->state.record.client_left(self->clock().now());
        leave(self, "client_left");
      },
      [self](pulse_atom) { watch_time(self); },
      [self](get_story) { return self->state.record.story(); },
      [self](retry_atom) { ask_for_worker(self); },
  };
}

} // namespace

reply_actor spawn_reply(caf::actor_system& system, reply_options options,
                        std::unique_ptr<reply_writer> writer) {
  return system.spawn(reply, std::move(options), std::move(writer));
}

} // namespace model_server
