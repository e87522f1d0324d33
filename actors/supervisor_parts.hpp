// What the sources of the supervisor share: its workers and its devices.
#pragma once

#include "actors/supervisor.hpp"

#include <cstdint>
#include <string>

namespace model_server {

using supervisor_pointer = supervisor_actor::stateful_pointer<supervisor_state>;

// -- workers ------------------------------------------------------------------

/// Gives an entity a new worker, which loads the model.
void start_worker(supervisor_pointer self, entity& item);

/// Ends an entity's worker on purpose: its going down is nobody's loss.
void dismiss(supervisor_pointer self, const worker_actor& worker);

/// Gives a worker up that does not answer: it hangs in a step, so its replies
/// get no word from it, not even that it is down.
void abandon(supervisor_pointer self, const worker_actor& worker,
             std::uint64_t incarnation);

/// Some actor is down: another worker is started if it was one.
void on_down(supervisor_pointer self, const caf::down_msg& down);

/// Answers whoever waits for the entity to be ready.
void answer(entity& item, caf::error reason);

/// Takes an entity out.
void erase(supervisor_pointer self, const entity& gone);

device_report report_of(const entity& item);

// -- devices ------------------------------------------------------------------

/// `wanted` may be empty. Without `wait` the answer comes at once.
caf::result<device_report> add(supervisor_pointer self,
                               const std::string& wanted, bool wait);
caf::result<device_report> activate(supervisor_pointer self,
                                    const activate_model& order);
caf::result<device_report> remove(supervisor_pointer self,
                                  const remove_device& order);

} // namespace model_server
