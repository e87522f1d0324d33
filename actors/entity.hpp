// One entity: a model on a device, as its supervisor keeps it.
#pragma once

#include "actors/figures.hpp"
#include "actors/interfaces.hpp"
#include "actors/prefix_affinity.hpp"
#include "config/settings.hpp"

#include <caf/typed_response_promise.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

namespace model_server {

/// A model on a device. Outlives its workers: each start gives it a new one
/// with a new incarnation.
struct entity {
  using time_point = std::chrono::steady_clock::time_point;

  /// As clients name it: with its node if that is another one.
  std::string device;
  /// Of the node that has it.
  std::string node;
  /// What its workers are started with: its model's setting when it was added,
  /// or when it was changed since.
  std::shared_ptr<const model_setting> setting;
  std::uint64_t setting_number = 0;
  /// A call had it loaded, so it may be unloaded again.
  bool is_on_demand = false;
  /// What its model is known to need of the device's memory.
  std::uint64_t bytes = 0;
  /// It takes the place of the entity of this incarnation once it is ready; 0
  /// is none.
  std::uint64_t replaces = 0;
  /// Of the worker it has, or had last.
  std::uint64_t incarnation = 0;
  /// Proves that a worker is the one that was started for this incarnation.
  std::uint64_t secret = 0;
  entity_state state = entity_state::loading;
  /// How far its worker has come with loading, from 0 to 1.
  double loaded = 0;
  /// What its worker told of its model.
  bool is_exact = false;
  std::uint64_t identity = 0;
  /// Null while there is none to speak to.
  worker_actor worker;
  /// It is down, and its node has not yet told why.
  bool is_down = false;
  /// What the worker told last.
  worker_load load;
  /// Of this model and device; null until it has its first worker.
  device_figures* figures = nullptr;
  /// Submits sent to the worker, and how many tokens each of those that `load`
  /// doesn't count yet may take.
  std::uint64_t submits = 0;
  std::deque<std::uint64_t> on_their_way;
  /// What its worker has read.
  prefix_memory read_lately;
  std::uint32_t restarts = 0;
  /// Why it is restarting or has failed; else empty.
  std::string reason;
  /// It was ready once, so a failed load is a crash and not a wrong setting.
  bool has_served = false;
  /// It is being taken away and finishes what it has.
  bool is_leaving = false;
  /// What its replies end with that take too long for that.
  failure last_word;
  time_point ready_since{};
  /// When its workers were lost, the last ones only.
  std::deque<time_point> losses;
  /// When a restart is due, and after which pause.
  time_point restart_at{};
  std::chrono::milliseconds pause{0};
  /// Who waits for it to be ready, or to have left.
  caf::typed_response_promise<device_report> asked;

  /// May be given replies.
  bool can_serve() const {
    return state == entity_state::ready && worker && !is_leaving && !is_down;
  }

  /// A worker was started for it and has not come to its end.
  bool has_worker() const {
    return state == entity_state::loading || state == entity_state::ready;
  }

  model_version version() const {
    return {setting_number, identity};
  }

  /// Its worker has nothing to do, and nothing is on the way to it.
  bool is_idle() const {
    return can_serve() && load.running == 0 && load.waiting == 0
           && load.submits == submits;
  }

  /// It has no worker to speak to any more, and nothing that was known of it
  /// holds for the next.
  void forget_worker();

  /// A request was sent to its worker.
  void sent(const prompt_trail& trail, std::uint64_t tokens);

  /// Its worker tells how busy it is, and what it has counted.
  void take_load(const worker_load& told);

  /// Tokens that its worker has to compute until it is done, a new prompt
  /// included as far as it has not read the same lately.
  std::uint64_t burden(const prompt_trail& trail) const;

  entity_status status() const;

  /// The pause before the restart that is due after a crash at `now`: the
  /// first one, then twice the one before, never more than `most`; the first
  /// one again when it has served for as long as `most`.
  /// It has failed instead if this was one loss too many.
  void crashed(std::string why, time_point now, const serving_settings& limits);

private:
  void count_steps(const worker_counts& told);
};

} // namespace model_server
