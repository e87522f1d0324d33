// The worker actor: owns one model on one device and runs its batches.
#pragma once

#include "actors/interfaces.hpp"
#include "actors/thread_budget.hpp"
#include "actors/throughput.hpp"
#include "actors/work_queue.hpp"
#include "actors/worker_page.hpp"
#include "models/engine/recent_times.hpp"
#include "models/load_watch.hpp"
#include "models/memory_usage.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace model_server {

/// Everything a worker is started with.
struct worker_options {
  /// Marks its tokens; no two workers of a model have the same.
  std::uint64_t incarnation = 0;
  /// As clients see it.
  std::string device = "cpu";
  /// Makes the entry, on the worker's own thread.
  std::function<std::unique_ptr<model_entry>(const load_watch&)> make_entry;
  /// Replies that run together.
  std::size_t batch_size = 8;
  /// What may wait beside them.
  queue_limits queue;
  /// The cores to share; null where the model doesn't compute on them.
  std::shared_ptr<thread_budget> threads;
  /// Tells the memory that the worker takes where it is a process of its own
  /// and the model computes in it; null leaves it to the entry.
  std::function<std::uint64_t()> measure_memory;
  /// Never null.
  std::shared_ptr<worker_page> page = std::make_shared<worker_page>();
};

/// What a worker knows.
struct worker_state {
  explicit worker_state(caf::local_actor*) {
    // options come with the behaviour
  }

  /// For the logs.
  const char* name = "worker";
  worker_options options;
  /// Gets the load reports; null until loaded.
  load_watcher watcher;
  /// Null until loaded.
  std::unique_ptr<model_entry> entry;
  /// The same, if it can tell.
  const memory_user* memory = nullptr;
  model_info info;
  work_queue queue{1, {}};
  throughput speed;
  /// Of the last steps, for each reply or token of an embedding in them.
  recent_times step_times;
  thread_share threads;
  /// What the entry was last told to use; 0 is nothing yet.
  unsigned threads_in_use = 0;
  sequence_id last_sequence = 0;
  /// Takes no more replies.
  bool is_closing = false;
  /// A step message is in the mailbox; there is never more than one.
  bool step_is_due = false;
  /// A reply was given up for memory since the last step.
  bool has_shed = false;
  /// The watcher was told this last, and when.
  worker_load reported;
  std::chrono::steady_clock::time_point reported_at{};
  worker_counts counts;
  /// When its memory was measured.
  std::optional<std::chrono::steady_clock::time_point> measured_at;
  std::uint64_t submits = 0;
  /// Whose end it is told of: the sinks of all replies so far.
  std::set<caf::actor_addr> known_sinks;
  /// Answers `finish_atom`.
  caf::typed_response_promise<caf::ok_atom> finished;

  /// What it is, once it has loaded.
  worker_ready ready() const;

  /// How busy it is now.
  worker_load load() const;
};

/// Loads on `load_atom`, then serves. An exception of the entry ends the
/// worker with `model_failed` and the exception's text; its page tells who was
/// in that step. Blocks its thread while
/// the model computes: spawn it detached, except in tests.
worker_actor::behavior_type
worker(worker_actor::stateful_pointer<worker_state> self,
       worker_options options);

} // namespace model_server
