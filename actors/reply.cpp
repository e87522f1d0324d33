// The reply actor: owns one request and its token log, ends it exactly once.
#include "actors/reply.hpp"

#include "actors/credit_window.hpp"
#include "actors/reply_progress.hpp"
#include "config/logging.hpp"

#include <caf/actor_cast.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

namespace model_server {

namespace {

using std::chrono::milliseconds;
using time_point = std::chrono::steady_clock::time_point;

// A reply without a worker asks for one again after this pause.
constexpr auto retry_pause = milliseconds{100};
// The longest pause between two looks at the clock. A tick that is under way
// keeps the memory of a reply that has ended.
constexpr auto longest_tick = milliseconds{1000};

// What a reply knows.
struct reply_state {
  explicit reply_state(caf::local_actor*)
      : progress({}), credit_for_worker(1, false) {
  }

  const char* name = "reply"; // for the logs
  reply_options options;
  reply_progress progress;
  credit_window credit_for_worker;
  // Null while there is none: before the first, or between two.
  worker_actor worker;
  // What the worker said of itself; incarnation 0 while there is none.
  admitted facts;
  std::uint32_t attempt = 1;
  // A worker had it, so it waits for another rather than give up.
  bool resumed = false;
  bool begun = false;
  bool ended = false;
  time_point started{};
  time_point last_sign{};
  // Since when it has no worker, and how long it had none before.
  std::optional<time_point> waiting_since;
  time_point::duration waited{0};
};

using reply_pointer = reply_actor::stateful_pointer<reply_state>;

// -- the end ------------------------------------------------------------------

void log_end(reply_pointer self, std::string_view finish) {
  const auto& state = self->state;
  auto duration = std::chrono::duration_cast<milliseconds>(self->clock().now()
                                                           - state.started);
  log_event(log_level::info, "request_done",
            {{"request_id", state.options.request.trace_id},
             {"model", state.options.request.model},
             {"device", state.facts.device},
             {"finish", finish},
             {"prompt_tokens", state.facts.prompt_tokens},
             {"tokens", state.progress.last()},
             {"attempts", state.attempt},
             {"duration_ms", duration.count()}});
}

void leave_worker(reply_pointer self) {
  auto& state = self->state;
  if (state.worker)
    self->demonitor(state.worker.address());
  state.worker = nullptr;
  state.facts.incarnation = 0;
}

// Nothing is handled after this: the actor ends with the handler.
void leave(reply_pointer self, std::string_view finish, bool cancel_worker) {
  auto& state = self->state;
  state.ended = true;
  log_end(self, finish);
  if (cancel_worker && state.worker)
    self->send(state.worker, cancel{state.options.request.id});
  leave_worker(self);
  self->quit();
}

void fail(reply_pointer self, const failure& reason) {
  self->state.options.writer->fail(reason);
  leave(self, to_string(reason.code), true);
}

void finish(reply_pointer self, const progress_step& last) {
  auto& state = self->state;
  reply_summary summary;
  summary.finish = last.finish;
  summary.seed = state.options.request.seed;
  summary.device = state.facts.device;
  summary.prompt_tokens = state.facts.prompt_tokens;
  summary.completion_tokens = static_cast<std::uint32_t>(state.progress.last());
  summary.cached_tokens = state.facts.cached_tokens;
  state.options.writer->end(summary);
  leave(self, to_string(last.finish), last.worker_goes_on);
}

// -- finding a worker ---------------------------------------------------------

void ask_for_worker(reply_pointer self);

void begin_waiting(reply_pointer self) {
  auto& state = self->state;
  state.resumed = true;
  if (!state.waiting_since)
    state.waiting_since = self->clock().now();
}

time_point::duration time_without_worker(reply_pointer self) {
  const auto& state = self->state;
  auto result = state.waited;
  if (state.waiting_since)
    result += self->clock().now() - *state.waiting_since;
  return result;
}

// The worker went down under this reply: another one goes on from the log.
void lose_worker(reply_pointer self) {
  auto& state = self->state;
  leave_worker(self);
  begin_waiting(self);
  if (state.attempt >= state.options.max_attempts)
    return fail(self, {errc::worker_lost,
                       fmt::format("{} workers were lost under this request, "
                                   "the limit is {}",
                                   state.attempt, state.options.max_attempts),
                       "", 0});
  ++state.attempt;
  ask_for_worker(self);
}

// No worker now; there may be one soon.
void ask_again_later(reply_pointer self, const caf::error& reason) {
  auto& state = self->state;
  begin_waiting(self);
  auto left = state.options.worker_wait - time_without_worker(self);
  if (left <= left.zero())
    return fail(self,
                {errc::worker_lost,
                 fmt::format("no worker went on with this request within "
                             "{} ms: {}",
                             state.options.worker_wait.count(),
                             is_failure(reason) ? to_failure(reason).message
                                                : "the last one is gone"),
                 "", 1});
  auto pause = std::min<time_point::duration>(retry_pause, left);
  self->delayed_send(self, pause, retry_atom::value);
}

void take_refusal(reply_pointer self, const caf::error& reason) {
  if (!is_failure(reason)) // the worker went down before it saw the request
    return ask_again_later(self, reason);
  auto what = to_failure(reason);
  if (what.code == errc::worker_lost)
    return lose_worker(self);
  auto is_passing =
      what.code == errc::model_loading || what.code == errc::model_not_active;
  if (self->state.resumed && is_passing)
    return ask_again_later(self, reason);
  fail(self, what);
}

void take_worker(reply_pointer self, const admitted& facts) {
  auto& state = self->state;
  state.worker = caf::actor_cast<worker_actor>(self->current_sender());
  self->monitor(state.worker);
  state.waited = time_without_worker(self);
  state.waiting_since.reset();
  auto cached = state.begun ? state.facts.cached_tokens : facts.cached_tokens;
  state.facts = facts;
  state.facts.cached_tokens = cached; // of the first: usage stays what it was
  if (state.begun)
    return;
  state.begun = true;
  state.last_sign = self->clock().now();
  state.options.writer->begin(facts);
}

void ask_for_worker(reply_pointer self) {
  auto& state = self->state;
  submit order;
  order.request = state.options.request;
  order.log = state.progress.log();
  order.attempt = state.attempt;
  order.credit = state.credit_for_worker.grant();
  order.resumed = state.resumed;
  // Two delegates further down it is the worker itself that answers.
  self->request(state.options.gateway, caf::infinite, std::move(order),
                reply_actor{self})
      .then([self](const admitted& facts) { take_worker(self, facts); },
            [self](const caf::error& reason) { take_refusal(self, reason); });
}

// -- tokens -------------------------------------------------------------------

void raise_credit(reply_pointer self) {
  auto& state = self->state;
  if (!state.worker)
    return;
  if (auto up_to = state.credit_for_worker.raise())
    self->send(state.worker, credit{state.options.request.id, *up_to});
}

void take_tokens(reply_pointer self, const token_chunk& chunk) {
  auto& state = self->state;
  if (!state.worker || chunk.incarnation != state.facts.incarnation)
    return; // of a worker that was given up
  if (state.progress.is_ahead(chunk)) {
    // Cannot happen while messages keep their order; the log mends it.
    self->send(state.worker, cancel{state.options.request.id});
    return lose_worker(self);
  }
  auto step = state.progress.take(chunk);
  auto last = state.progress.last();
  state.credit_for_worker.made(last);
  if (!step.text.empty()) {
    state.credit_for_worker.wrote(last);
    state.last_sign = self->clock().now();
    state.options.writer->text(step.text, last);
  }
  if (step.finish != finish_reason::none)
    return finish(self, step);
  raise_credit(self);
}

// -- time ---------------------------------------------------------------------

void schedule_tick(reply_pointer self) {
  auto& state = self->state;
  auto now = self->clock().now();
  auto next =
      std::min(state.started + state.options.deadline, now + longest_tick);
  next = std::min(next, state.last_sign + state.options.ping_interval);
  // At least a millisecond, whatever the settings say.
  next = std::max(next, now + milliseconds{1});
  self->delayed_send(self, next - now, tick_atom::value);
}

void watch_time(reply_pointer self) {
  auto& state = self->state;
  auto now = self->clock().now();
  if (now - state.started >= state.options.deadline)
    return fail(self, {errc::deadline_exceeded,
                       fmt::format("the request took longer than the limit of "
                                   "{} ms",
                                   state.options.deadline.count()),
                       "", 0});
  if (now - state.last_sign >= state.options.ping_interval) {
    state.last_sign = now;
    if (state.begun)
      state.options.writer->ping();
  }
  schedule_tick(self);
}

// -- behaviour ----------------------------------------------------------------

reply_actor::behavior_type reply(reply_pointer self, reply_options options) {
  auto& state = self->state;
  state.progress = reply_progress{options.request.stop};
  state.credit_for_worker =
      credit_window{options.credit, options.writer->reports_progress()};
  state.options = std::move(options);
  state.started = self->clock().now();
  state.last_sign = state.started;
  self->set_down_handler([self](const caf::down_msg& down) {
    if (self->state.worker == down.source)
      lose_worker(self);
  });
  self->set_exit_handler([self](const caf::exit_msg&) {
    fail(self, {errc::shutting_down, "the server is stopping", "", 5});
  });
  self->set_exception_handler([self](std::exception_ptr&) -> caf::error {
    if (!self->state.ended)
      fail(self, {errc::internal_error, "internal error", "", 0});
    return caf::sec::runtime_error;
  });
  ask_for_worker(self);
  schedule_tick(self);
  return {
      [self](const token_chunk& chunk) { take_tokens(self, chunk); },
      [self](const reply_failed& end) {
        if (self->state.worker
            && end.incarnation == self->state.facts.incarnation)
          fail(self, end.reason);
      },
      [self](const moved& notice) {
        if (!self->state.worker
            || notice.incarnation != self->state.facts.incarnation)
          return;
        leave_worker(self);
        begin_waiting(self);
        ask_for_worker(self);
      },
      [self](const stop_reply& order) { fail(self, order.reason); },
      [self](const written& progress) {
        self->state.credit_for_worker.taken(progress.up_to);
        raise_credit(self);
      },
      [self](client_left) { leave(self, "client_left", true); },
      [self](retry_atom) { ask_for_worker(self); },
      [self](tick_atom) { watch_time(self); },
  };
}

} // namespace

reply_actor spawn_reply(caf::actor_system& system, reply_options options) {
  return system.spawn(reply, std::move(options));
}

} // namespace model_server
