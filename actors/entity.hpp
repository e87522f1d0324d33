// One entity: a model on a device, as its supervisor keeps it.
#pragma once

#include "actors/interfaces.hpp"

#include <caf/typed_response_promise.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace model_server {

/// A model on a device. Outlives its workers: each start gives it a new one
/// with a new incarnation.
struct entity {
  using time_point = std::chrono::steady_clock::time_point;

  std::string device;
  /// Of the worker it has, or had last.
  std::uint64_t incarnation = 0;
  entity_state state = entity_state::loading;
  /// Null while it waits for its restart.
  worker_actor worker;
  /// What the worker told last.
  worker_load load;
  /// Submits sent to the worker; those that `load` doesn't count are on their
  /// way.
  std::uint64_t submits = 0;
  std::uint32_t restarts = 0;
  /// Why it is restarting; else empty.
  std::string reason;
  /// It was ready once, so a failed load is a crash and not a wrong setting.
  bool has_served = false;
  /// It is the last one and being removed: finishes what it has.
  bool is_leaving = false;
  time_point ready_since{};
  /// When a restart is due, and after which pause.
  time_point restart_at{};
  std::chrono::milliseconds pause{0};
  /// Who waits for it to be ready, or to have left.
  caf::typed_response_promise<device_report> asked;

  /// May be given replies.
  bool can_serve() const {
    return state == entity_state::ready && !is_leaving;
  }

  /// Replies it has, with those on their way.
  std::uint64_t burden() const {
    return load.running + load.waiting + (submits - load.submits);
  }

  entity_status status(const std::string& node) const;

  /// The pause before the restart that is due after a crash at `now`: the
  /// first one, then twice the one before, never more than `most`; the first
  /// one again when it has served for as long as `most`.
  void crashed(std::string why, time_point now, std::chrono::milliseconds first,
               std::chrono::milliseconds most);
};

} // namespace model_server
