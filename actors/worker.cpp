// The worker actor: owns one model on one device and runs its batches.
#include "actors/worker.hpp"

#include "actors/step_watch.hpp"
#include "actors/worker_parts.hpp"
#include "actors/worker_requests.hpp"
#include "config/option_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <exception>
#include <utility>

namespace model_server {

namespace {

// While a model is being loaded its watcher hears of it so often.
constexpr auto progress_pause = std::chrono::milliseconds{500};

// What it counts the watcher hears so often while it works, and what it uses is
// measured no more often.
constexpr auto count_pause = std::chrono::milliseconds{500};

// A changed figure is worth a message, a speed that wavers is not.
bool differs(const worker_load& a, const worker_load& b) {
  auto less = std::min(a.tokens_to_do, b.tokens_to_do);
  auto more = std::max(a.tokens_to_do, b.tokens_to_do);
  return more - less > more / 8 || a.submits != b.submits
         || a.running != b.running || a.waiting != b.waiting
         || std::abs(a.tokens_per_second - b.tokens_per_second)
                > 0.05 * b.tokens_per_second;
}

// -- the step -----------------------------------------------------------------

// Uses an equal part of the cores while there is something to compute.
void share_threads(worker_pointer self) {
  auto& state = self->state;
  auto count = state.threads.hold();
  state.options.page->is_computing = count > 0;
  if (count != state.threads_in_use) {
    state.threads_in_use = count;
    state.entry->use_threads(static_cast<int>(count));
  }
}

// What a step made, one message for all replies of a sink. A worker has one
// sink as a rule: that of its front.
class step_mail {
public:
  explicit step_mail(worker_pointer self) : self_(self) {
    // nop
  }

  void add(const token_sink& sink, token_chunk chunk) {
    if (sink != sink_)
      send();
    sink_ = sink;
    made_.chunks.push_back(std::move(chunk));
  }

  void send() {
    if (!made_.chunks.empty())
      self_->send(sink_, std::exchange(made_, {}));
  }

private:
  worker_pointer self_;
  token_sink sink_;
  step_chunks made_;
};

// A step is over.
struct step_end {
  generation::time_point when;
  /// Replies that took part.
  std::uint32_t batch_size = 0;
};

// Adds what the step made for a reply; returns how many tokens. For an
// embedding they are those of its prompt.
std::size_t settle(worker_pointer self, generation& item, const step_end& step,
                   step_mail& mail) {
  auto& state = self->state;
  if (!item.state().failure.empty()) {
    auto reason = failure{errc::model_failed, item.state().failure, "", 0};
    end_with(self, *state.queue.take(item.id()), std::move(reason));
    return 0;
  }
  auto chunk =
      item.take_new_tokens(*state.entry, state.options.incarnation, step.when);
  chunk.batch_size = step.batch_size;
  auto has_ended = chunk.finish != finish_reason::none;
  auto made = chunk.tokens.size();
  auto whole = item.tokens_known();
  if (item.is_embedding() && has_ended)
    made = whole = item.state().prompt_size;
  if (made > 0 || has_ended)
    mail.add(item.sink(), std::move(chunk));
  if (has_ended) {
    state.speed.ended(whole);
    retire(self, *state.queue.take(item.id()));
  }
  return made;
}

void count_step(worker_counts& counts, std::size_t batch_size) {
  auto place = static_cast<std::size_t>(std::bit_width(batch_size - 1));
  ++counts.steps[std::min(place, counts.steps.size() - 1)];
  counts.step_places += batch_size;
}

// How much a step has to do: an embedding is computed in one, whatever its
// length, while prompts of replies are read in equal pieces.
std::size_t work_of(generation& item) {
  return item.is_embedding() ? item.state().prompt_size : 1;
}

// What a step with so much to do takes as a rule. Nobody knows that of models
// that answer whole chats in a step.
std::chrono::nanoseconds usual_time(const worker_state& state,
                                    std::size_t work) {
  auto has_steps_of_a_kind =
      state.info.vocabulary > 0 || state.info.embedding_width > 0;
  return has_steps_of_a_kind ? model_server::usual_time(state.step_times, work)
                             : std::chrono::nanoseconds{0};
}

void tell(worker_pointer self, worker_load load, generation::time_point now) {
  auto& state = self->state;
  auto usage = state.memory ? state.memory->usage() : memory_usage{};
  state.counts.cache_blocks = usage.cache_blocks;
  state.counts.cache_blocks_used = usage.cache_blocks_used;
  if (!state.options.measure_memory)
    state.counts.memory_bytes = usage.device_bytes;
  else if (!state.measured_at || now - *state.measured_at >= count_pause) {
    state.measured_at = now;
    state.counts.memory_bytes = state.options.measure_memory();
  }
  load.counts = state.counts;
  state.reported_at = now;
  state.reported = load;
  self->send(state.watcher, std::move(load));
}

void report(worker_pointer self, generation::time_point now) {
  auto& state = self->state;
  auto load = state.load();
  auto is_due =
      now - state.reported_at >= count_pause
      && state.counts.step_places != state.reported.counts.step_places;
  if (!state.watcher || !(is_due || differs(load, state.reported)))
    return;
  tell(self, std::move(load), now);
}

// Without a number of tokens it is twice what the cache holds, or any number
// for models that have none.
queue_limits limits_for(const model_info& info, queue_limits limits) {
  if (limits.prompt_tokens == 0)
    limits.prompt_tokens = 2 * info.cache_tokens;
  return limits;
}

// Ends those that have waited too long for their turn.
void refuse_expired(worker_pointer self) {
  auto& state = self->state;
  auto now = self->clock().now();
  while (auto item = state.queue.take_expired(now)) {
    auto limit = show_duration(state.queue.limits().wait);
    end_with(self, *item,
             {errc::queue_timeout,
              fmt::format("it was not this request's turn within the limit of "
                          "{}; {} are waiting",
                          limit, state.queue.waiting()),
              "", state.speed.seconds_for(state.queue.waiting() + 1)});
  }
}

// Orders that came during a long step may be out of date: one counts.
void shed_one(worker_pointer self) {
  auto& state = self->state;
  if (std::exchange(state.has_shed, true))
    return;
  if (auto item = state.queue.take_youngest())
    end_with(self, *item,
             {errc::low_memory,
              "the server ran short of memory while this request waited", "",
              5});
}

void run_step(worker_pointer self) {
  auto& state = self->state;
  state.step_is_due = false;
  state.has_shed = false;
  refuse_expired(self);
  auto batch = state.queue.next_batch();
  std::vector<sequence*> sequences;
  std::vector<step_place> places;
  auto now = self->clock().now();
  std::size_t work = 0;
  for (auto* item : batch)
    if (!item->is_complete()) {
      work += work_of(*item);
      item->enter_step(now);
      sequences.push_back(&item->state());
      places.push_back({item->id(), item->tokens_known()});
    }
  step_end end{now, static_cast<std::uint32_t>(sequences.size())};
  if (!sequences.empty()) {
    share_threads(self);
    state.speed.resume(now);
    state.options.page->enter(places, now, usual_time(state, work));
    state.entry->step(sequences);
    state.options.page->leave();
    count_step(state.counts, sequences.size());
    end.when = self->clock().now();
    auto took = std::chrono::duration<double>(end.when - now);
    state.step_times.add(took.count() / static_cast<double>(work));
  }
  std::size_t made = 0;
  step_mail mail{self};
  for (auto* item : batch)
    made += settle(self, *item, end, mail);
  mail.send();
  if (!sequences.empty())
    state.speed.made(made, self->clock().now());
  // Arrivals and cancels that came meanwhile are before the next step.
  if (state.queue.has_work()) {
    schedule_step(self);
  } else {
    state.speed.pause();
    state.threads.release();
    state.options.page->is_computing = false;
  }
  if (state.queue.empty() && state.finished.pending())
    state.finished.deliver(caf::ok_atom::value);
  report(self, end.when);
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

// Says nothing of a load that is over soon.
load_watch progress_to_watcher(worker_pointer self) {
  return [self, last = self->clock().now()](double done) mutable {
    auto now = self->clock().now();
    if (!self->state.watcher || now - last < progress_pause)
      return;
    last = now;
    self->send(self->state.watcher,
               load_progress{self->state.options.incarnation, done});
  };
}

caf::result<worker_ready> load(worker_pointer self, load_watcher watcher) {
  auto& state = self->state;
  state.watcher = std::move(watcher);
  if (state.entry) {
    tell(self, state.load(), self->clock().now());
    return state.ready();
  }
  try {
    state.entry = state.options.make_entry(progress_to_watcher(self));
    state.info = state.entry->info();
    state.queue = work_queue{state.options.batch_size,
                             limits_for(state.info, state.options.queue)};
    state.memory = dynamic_cast<const memory_user*>(state.entry.get());
  } catch (...) {
    auto reason =
        broken_model(self, errc::load_failed, std::current_exception());
    self->quit(reason);
    return reason;
  }
  if (state.watcher)
    tell(self, state.load(), self->clock().now());
  return state.ready();
}

} // namespace

worker_ready worker_state::ready() const {
  return {options.incarnation, info.context_length, info.is_exact,
          info.identity};
}

worker_load worker_state::load() const {
  worker_load result;
  result.incarnation = options.incarnation;
  result.submits = submits;
  auto stalled = queue.stalled();
  result.running = static_cast<std::uint32_t>(queue.running() - stalled);
  result.waiting = static_cast<std::uint32_t>(queue.waiting() + stalled);
  result.tokens_to_do = queue.tokens_to_do();
  if (!queue.empty())
    result.tokens_per_second = speed.tokens_per_second();
  return result;
}

worker_actor::behavior_type worker(worker_pointer self,
                                   worker_options options) {
  auto& state = self->state;
  state.threads = thread_share{options.threads};
  state.reported.incarnation = options.incarnation;
  state.options = std::move(options);
  self->set_exception_handler([self](std::exception_ptr& cause) {
    return broken_model(self, errc::model_failed, cause);
  });
  self->set_down_handler([self](const caf::down_msg& down) {
    // The whole front is gone.
    self->state.known_sinks.erase(down.source);
    while (auto item = self->state.queue.take_of(down.source))
      retire(self, *item);
  });
  return {
      [self](load_atom, load_watcher& watcher) {
        return load(self, std::move(watcher));
      },
      [self](submit& order, token_sink& sink) {
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
      [self](shed_atom) { shed_one(self); },
      [self](step_atom) { run_step(self); },
  };
}

} // namespace model_server
