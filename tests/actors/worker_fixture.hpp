// A worker among recording sinks, with a scripted model.
#pragma once

#include "actors/worker.hpp"
#include "tests/support/actor_fixture.hpp"
#include "tests/support/scripted_entry.hpp"

#include <memory>
#include <string>
#include <vector>

namespace model_server {

inline constexpr std::uint64_t no_limit = 1'000'000;

/// What a worker told about replies.
struct sink_record {
  int steps = 0;
  std::vector<token_chunk> chunks;
  std::vector<reply_failed> failures;
  std::vector<moved> moves;

  std::string text() const {
    std::string result;
    for (const auto& chunk : chunks)
      for (const auto& item : chunk.tokens)
        result += item.text;
    return result;
  }

  finish_reason finish() const {
    return chunks.empty() ? finish_reason::none : chunks.back().finish;
  }
};

inline token_sink::behavior_type
recording_sink(token_sink::pointer, std::shared_ptr<sink_record> record) {
  return {
      [=](const step_chunks& step) {
        ++record->steps;
        record->chunks.insert(record->chunks.end(), step.chunks.begin(),
                              step.chunks.end());
      },
      [=](const reply_failed& end) { record->failures.push_back(end); },
      [=](const moved& notice) { record->moves.push_back(notice); },
  };
}

/// Holds what each test of the worker needs.
class worker_fixture : public actor_fixture {
protected:
  struct sent {
    std::shared_ptr<sink_record> got;
    token_sink sink;
    std::shared_ptr<pending_answer<admitted>> answer;
    request_id id;
  };

  worker_fixture() {
    options.incarnation = 7;
    options.batch_size = 2;
    options.queue.requests = 3;
    options.make_entry = [plan = plan](const load_watch&) {
      return std::make_unique<scripted_entry>(plan);
    };
    for (const auto* turn : {"a", "b", "c", "d", "e", "f"})
      plan->replies[turn] = numbered_reply(4);
  }

  ~worker_fixture() override {
    caf::anon_send_exit(subject, caf::exit_reason::user_shutdown);
    for (const auto& sink : sinks)
      caf::anon_send_exit(sink, caf::exit_reason::user_shutdown);
    run();
  }

  void load() {
    subject = system.spawn(worker, options);
    ask<worker_ready>(subject, load_atom::value, watcher);
  }

  submit order(const std::string& turn, std::uint64_t credit = no_limit) {
    submit result;
    result.request.id = ++last_id;
    result.request.prompt.conversation = says(turn);
    result.credit = credit;
    return result;
  }

  /// Submits; nothing moves before `run`.
  sent send(submit what) {
    sent result;
    result.id = what.request.id;
    result.got = std::make_shared<sink_record>();
    result.sink = system.spawn(recording_sink, result.got);
    sinks.push_back(result.sink);
    result.answer = begin_ask<admitted>(subject, what, result.sink);
    return result;
  }

  sent send(const std::string& turn, std::uint64_t credit = no_limit) {
    return send(order(turn, credit));
  }

  std::shared_ptr<script> plan = std::make_shared<script>();
  worker_options options;
  worker_actor subject;
  /// Gets the loads; null unless the test sets it.
  load_watcher watcher;
  std::vector<token_sink> sinks;
  request_id last_id = 0;
};

} // namespace model_server
