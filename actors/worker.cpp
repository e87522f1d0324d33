// The worker actor: owns one model on one device and runs its batches.
#include "actors/worker.hpp"

#include "actors/prompt_tokens.hpp"
#include "actors/request_check.hpp"

#include <caf/expected.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <span>
#include <utility>
#include <variant>

namespace model_server {

namespace {

using worker_pointer = worker_actor::stateful_pointer<worker_state>;

// The entry threw: its own words, under our code.
caf::error broken_model(errc code, const std::exception_ptr& cause) {
  try {
    std::rethrow_exception(cause);
  } catch (const std::exception& error) {
    return to_error({code, error.what(), "", 0});
  } catch (...) {
    return to_error({code, "an exception of an unknown kind", "", 0});
  }
}

// A changed figure is worth a message, a speed that wavers is not.
bool differs(const worker_load& a, const worker_load& b) {
  return a.submits != b.submits || a.running != b.running
         || a.waiting != b.waiting
         || std::abs(a.tokens_per_second - b.tokens_per_second)
                > 0.05 * b.tokens_per_second;
}

void schedule_step(worker_pointer self) {
  if (!self->state.step_is_due) {
    self->state.step_is_due = true;
    self->send(self, step_atom::value);
  }
}

// -- beginning and end of a reply ---------------------------------------------

// Forgets a reply that was taken out of the queue. The step that follows gives
// its place to the next.
void retire(worker_pointer self, generation& item) {
  self->demonitor(item.sink().address());
  self->state.entry->release(item.state().id);
  schedule_step(self);
}

void end_with(worker_pointer self, generation& item, failure reason) {
  self->send(item.sink(),
             reply_failed{item.id(), self->state.options.incarnation,
                          std::move(reason)});
  retire(self, item);
}

caf::error queue_is_full(const worker_state& state) {
  auto waiting = state.queue.waiting();
  return to_error({errc::queue_full,
                   fmt::format("{} requests are waiting, the limit is {}",
                               waiting, state.options.max_queued),
                   "", state.speed.seconds_for(waiting)});
}

caf::error takes_nothing() {
  return to_error({errc::model_loading, "this worker takes nothing", "", 1});
}

// The worker goes down under the replies of `batch`; all others had no part in
// it, and go on elsewhere without counting an attempt.
void spare(worker_pointer self, std::span<generation* const> batch) {
  for (const auto& item : self->state.queue.take_all())
    if (std::ranges::find(batch, item.get()) == batch.end())
      self->send(item->sink(),
                 moved{item->id(), self->state.options.incarnation});
}

// The tokens of a prompt, or why the client gets none. A model that breaks on
// it ends this worker.
caf::expected<std::vector<token_id>> encode(worker_pointer self,
                                            const reply_prompt& prompt) {
  auto& state = self->state;
  try {
    auto found = tokens_of(prompt, *state.entry, state.info);
    if (auto* refused = std::get_if<failure>(&found))
      return to_error(*refused);
    return std::move(std::get<std::vector<token_id>>(found));
  } catch (...) {
    // Whoever asks must hear of it: it does not monitor this worker.
    spare(self, {});
    self->quit(broken_model(errc::model_failed, std::current_exception()));
    return to_error(
        {errc::worker_lost, "the model failed on this chat", "", 0});
  }
}

// Encodes and queues a reply.
caf::result<admitted> admit(worker_pointer self, submit& order,
                            const reply_actor& sink) {
  auto& state = self->state;
  // A supervisor sends nothing before it is told that the worker is ready, nor
  // after it told the worker to go.
  if (!state.entry || state.is_closing)
    return takes_nothing();
  ++state.submits;
  schedule_step(self);
  if (!order.resumed && state.queue.is_full())
    return queue_is_full(state);
  if (auto what = check_request(order.request.sampling, state.info))
    return to_error(*what);
  auto prompt = encode(self, order.request.prompt);
  if (!prompt)
    return prompt.error();
  auto prompt_size = prompt->size();
  if (prompt_size >= state.info.context_length)
    return to_error(
        prompt_is_too_long(prompt_size, order.request.prompt.form, state.info));
  if (auto old = state.queue.take(order.request.id))
    retire(self, *old);
  self->monitor(sink);
  state.queue.add(
      std::make_unique<generation>(std::move(order), sink, std::move(*prompt),
                                   ++state.last_sequence, state.info));
  return admitted{state.options.incarnation, state.options.device,
                  static_cast<std::uint32_t>(prompt_size)};
}

// -- tokens without a reply ---------------------------------------------------

caf::result<tokenized> answer(worker_pointer self, const tokenize& question) {
  auto& state = self->state;
  if (!state.entry || state.is_closing)
    return takes_nothing();
  auto tokens = encode(self, question.prompt);
  if (!tokens)
    return tokens.error();
  return tokenized{std::move(*tokens), state.info.context_length};
}

caf::result<detokenized> answer(worker_pointer self,
                                const detokenize& question) {
  auto& state = self->state;
  if (!state.entry || state.is_closing)
    return takes_nothing();
  if (auto what = check_tokens(question.tokens, "tokens", state.info))
    return to_error(*what);
  return detokenized{text_of(question.tokens, *state.entry)};
}

// -- the step -----------------------------------------------------------------

// Uses an equal part of the cores while there is something to compute.
void share_threads(worker_pointer self) {
  auto& state = self->state;
  auto count = state.threads.hold();
  if (count != state.threads_in_use) {
    state.threads_in_use = count;
    state.entry->use_threads(static_cast<int>(count));
  }
}

// Tells a reply what the step made for it; returns how many tokens.
std::size_t settle(worker_pointer self, generation& item) {
  auto& state = self->state;
  if (!item.state().failure.empty()) {
    auto reason = failure{errc::model_failed, item.state().failure, "", 0};
    end_with(self, *state.queue.take(item.id()), std::move(reason));
    return 0;
  }
  auto chunk = item.take_new_tokens(*state.entry, state.options.incarnation);
  auto made = chunk.tokens.size();
  auto has_ended = chunk.finish != finish_reason::none;
  if (made > 0 || has_ended)
    self->send(item.sink(), std::move(chunk));
  if (has_ended) {
    state.speed.ended(item.tokens_known());
    retire(self, *state.queue.take(item.id()));
  }
  return made;
}

void report(worker_pointer self) {
  auto& state = self->state;
  auto load = state.load();
  if (state.options.supervisor && differs(load, state.reported)) {
    state.reported = load;
    self->send(state.options.supervisor, load);
  }
}

void run_step(worker_pointer self) {
  auto& state = self->state;
  state.step_is_due = false;
  auto batch = state.queue.next_batch();
  std::vector<sequence*> sequences;
  for (auto* item : batch)
    if (!item->is_complete())
      sequences.push_back(&item->state());
  if (!sequences.empty()) {
    share_threads(self);
    state.speed.resume(self->clock().now());
    try {
      state.entry->step(sequences);
    } catch (...) {
      spare(self, batch);
      throw;
    }
  }
  std::size_t made = 0;
  for (auto* item : batch)
    made += settle(self, *item);
  if (!sequences.empty())
    state.speed.made(made, self->clock().now());
  // Arrivals and cancels that came meanwhile are before the next step.
  if (state.queue.has_work()) {
    schedule_step(self);
  } else {
    state.speed.pause();
    state.threads.release();
  }
  if (state.queue.empty() && state.finished.pending())
    state.finished.deliver(caf::ok_atom::value);
  report(self);
}

// -- the end of the worker ----------------------------------------------------

std::uint32_t hand_over(worker_pointer self) {
  auto& state = self->state;
  state.is_closing = true;
  auto items = state.queue.take_all();
  for (const auto& item : items) {
    self->send(item->sink(), moved{item->id(), state.options.incarnation});
    retire(self, *item);
  }
  return static_cast<std::uint32_t>(items.size());
}

caf::result<worker_ready> load(worker_pointer self) {
  auto& state = self->state;
  try {
    state.entry = state.options.make_entry();
    state.info = state.entry->info();
  } catch (...) {
    auto reason = broken_model(errc::load_failed, std::current_exception());
    self->quit(reason);
    return reason;
  }
  return worker_ready{state.options.incarnation, state.info.context_length};
}

} // namespace

worker_load worker_state::load() const {
  worker_load result;
  result.incarnation = options.incarnation;
  result.submits = submits;
  auto stalled = queue.stalled();
  result.running = static_cast<std::uint32_t>(queue.running() - stalled);
  result.waiting = static_cast<std::uint32_t>(queue.waiting() + stalled);
  if (!queue.empty())
    result.tokens_per_second = speed.tokens_per_second();
  return result;
}

worker_actor::behavior_type worker(worker_pointer self,
                                   worker_options options) {
  auto& state = self->state;
  state.queue = work_queue{options.batch_size, options.max_queued};
  state.threads = thread_share{options.threads};
  state.reported.incarnation = options.incarnation;
  state.options = std::move(options);
  self->set_exception_handler([](std::exception_ptr& cause) {
    return broken_model(errc::model_failed, cause);
  });
  self->set_down_handler([self](const caf::down_msg& down) {
    if (auto item = self->state.queue.take_of(down.source))
      retire(self, *item); // a reply that is gone needs no more tokens
  });
  return {
      [self](load_atom) { return load(self); },
      [self](submit& order, reply_actor& sink) {
        return admit(self, order, sink);
      },
      [self](const tokenize& question) { return answer(self, question); },
      [self](const detokenize& question) { return answer(self, question); },
      [self](const credit& more) {
        if (auto* item = self->state.queue.find(more.id)) {
          item->raise_credit(more.up_to);
          schedule_step(self);
        }
      },
      [self](const cancel& request) {
        if (auto item = self->state.queue.take(request.id))
          retire(self, *item);
      },
      [self](hand_over_atom) { return hand_over(self); },
      [self](finish_atom) -> caf::result<caf::ok_atom> {
        self->state.is_closing = true;
        self->state.finished = self->make_response_promise<caf::ok_atom>();
        schedule_step(self);
        return self->state.finished;
      },
      [self](const end_replies& order) {
        for (const auto& item : self->state.queue.take_all())
          end_with(self, *item, order.reason);
      },
      [self](step_atom) { run_step(self); },
  };
}

} // namespace model_server
