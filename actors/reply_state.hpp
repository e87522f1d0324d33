// What a reply knows and decides, without sending anything.
#pragma once

#include "actors/credit_window.hpp"
#include "actors/reply.hpp"
#include "actors/reply_progress.hpp"
#include "actors/reply_record.hpp"

#include <caf/local_actor.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace model_server {

/// The state of one reply actor.
struct reply_state {
  using time_point = std::chrono::steady_clock::time_point;

  explicit reply_state(caf::local_actor*) {
    // options come with the behaviour
  }

  /// For the logs.
  const char* name = "reply";
  reply_options options;
  std::unique_ptr<reply_writer> writer;
  /// The token log, and the text from it.
  reply_progress progress{generation_request{}};
  /// Hears of everything that happens, for figures and stories.
  reply_record record;
  credit_window credit_for_worker{1, false};
  /// The one in charge, or that the request is on its way to. Null while there
  /// is none: before the first, or between two.
  worker_actor worker;
  /// What the worker said of itself; incarnation 0 while there is none.
  admitted facts;
  /// Of the model that it was sent to last.
  model_version version;
  /// Of the prompt, found computed by the worker that made the first token.
  std::uint32_t cached_tokens = 0;
  std::uint32_t attempt = 1;
  /// A worker broke in the step that would have made this token; 0 is none.
  std::uint64_t suspect_until = 0;
  /// Counts what was asked of the gateway; answers to older ones are void.
  std::uint64_t asked = 0;
  /// A worker has taken it, and the writer was told to begin.
  bool has_begun = false;
  /// The history knows that its story can be asked for.
  bool is_announced = false;
  /// The writer was told that it was the end.
  bool has_ended = false;
  time_point started{};
  /// When the client last got a sign of life.
  time_point last_sign{};
  /// Since when it has no worker, and how long it had none before since the
  /// last token.
  std::optional<time_point> waiting_since;
  time_point::duration waited{0};

  void begin(reply_options how, std::unique_ptr<reply_writer> to,
             time_point now);

  /// True if a message with this incarnation is from the worker in charge.
  bool is_of_worker(std::uint64_t incarnation) const {
    return worker && incarnation == facts.incarnation;
  }

  /// What to ask the gateway for now.
  submit next_order();

  /// The request is on its way to this worker.
  void take_route(worker_actor whom, const routed& route);

  /// The worker in charge has taken it.
  void take_facts(const admitted& what, time_point now);

  /// What to do after the worker in charge has come to this end.
  enum class consequence { ask_again, give_up, is_poison };
  consequence judge(const worker_end& end);

  /// There is no worker in charge any more; what it still says is void.
  void forget_worker();

  /// From now on the reply waits for one.
  void wait_for_worker(time_point now);

  /// It waits for a worker rather than give up: the request was taken, or
  /// would have been by a worker that went down.
  bool may_wait() const {
    return has_begun || options.is_promised || waiting_since;
  }

  /// All the time it had none, now included.
  time_point::duration time_without_worker(time_point now) const;

  reply_summary summary(finish_reason finish) const;

  // How it may fail.
  failure too_many_lost() const;
  failure nobody_went_on(const std::string& last_words) const;
  failure too_slow() const;
  failure poison() const;
};

} // namespace model_server
