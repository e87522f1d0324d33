// Tests of actors: CAF's test scheduler, and time that moves by hand only.
#pragma once

#include "actors/interfaces.hpp"
#include "actors/message_types.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/send.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

namespace model_server {

/// What came back for a request, once it has.
template <class Answer>
struct pending_answer {
  std::optional<Answer> value;
  std::optional<failure> failed;
  /// CAF's own errors too.
  caf::error error;

  bool has_come() const {
    return value || error;
  }
};

/// An actor system on one thread. Nothing moves except by `run` and `advance`.
class actor_fixture : public ::testing::Test {
protected:
  actor_fixture()
      : system(config),
        scheduler(dynamic_cast<caf::scheduler::test_coordinator&>(
            system.scheduler())) {
  }

  /// Ends what is left, so that the system can end.
  ~actor_fixture() override {
    scheduler.clock().cancel_all();
    scheduler.run();
  }

  /// Delivers messages until none is left, or so many. Actors take turns, a
  /// message each; CAF's own `run` lets one go on as long as it has any.
  void run(std::size_t messages = std::numeric_limits<std::size_t>::max()) {
    auto& jobs = scheduler.jobs;
    for (; messages > 0 && !jobs.empty(); --messages) {
      auto* job = jobs.front();
      scheduler.run_once();
      if (jobs.size() > 1 && jobs.front() == job)
        std::rotate(jobs.begin(), jobs.begin() + 1, jobs.end());
    }
  }

  /// Moves the clock in small steps and delivers what comes due.
  void advance(std::chrono::nanoseconds by) {
    constexpr std::chrono::nanoseconds slice = std::chrono::milliseconds{10};
    for (run(); by.count() > 0; by -= slice) {
      scheduler.advance_time(std::min(by, slice));
      run();
    }
  }

  /// Sends a request; the answer comes with a later `run`.
  template <class Answer, class Handle, class... Messages>
  std::shared_ptr<pending_answer<Answer>> begin_ask(Handle target,
                                                    Messages... messages) {
    auto result = std::make_shared<pending_answer<Answer>>();
    // With an argument: without one CAF 0.17 goes through a null pointer.
    auto asking = [=](caf::event_based_actor* asker, const Handle& whom) {
      asker->request(whom, caf::infinite, messages...)
          .then([=](Answer& answer) { result->value = std::move(answer); },
                [=](caf::error& error) {
                  if (is_failure(error))
                    result->failed = to_failure(error);
                  result->error = std::move(error);
                });
    };
    system.spawn(asking, target);
    return result;
  }

  /// Asks and answers; any failure ends the test.
  template <class Answer, class Handle, class... Messages>
  Answer ask(Handle whom, Messages... messages) {
    auto answer = begin_ask<Answer>(whom, messages...);
    run();
    if (!answer->value)
      throw std::runtime_error("no answer: " + describe(answer->error));
    return *answer->value;
  }

  /// Asks what must be refused.
  template <class Answer, class Handle, class... Messages>
  failure ask_failure(Handle whom, Messages... messages) {
    auto answer = begin_ask<Answer>(whom, messages...);
    run();
    if (!answer->failed)
      throw std::runtime_error("not refused: " + describe(answer->error));
    return *answer->failed;
  }

  struct test_config : caf::actor_system_config {
    test_config() {
      model_server::add_message_types(*this);
      set("scheduler.policy", caf::atom("testing"));
    }
  };

  test_config config;
  caf::actor_system system;
  caf::scheduler::test_coordinator& scheduler;
};

} // namespace model_server
