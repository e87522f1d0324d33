// What the sources of the supervisor share: its workers and its devices.
#pragma once

#include "actors/supervisor.hpp"

#include <cstdint>
#include <list>
#include <optional>
#include <string>

namespace model_server {

using supervisor_pointer = supervisor_actor::stateful_pointer<supervisor_state>;

// -- workers ------------------------------------------------------------------

/// Takes over from a supervisor that has failed: those workers that serve tell
/// anew what they are, all others are started again.
void take_legacy(supervisor_pointer self);

/// Gives an entity a new worker, which loads the model.
void restart(supervisor_pointer self, entity& item);

/// Asks the node for the worker of the entity's incarnation, and to tell us of
/// its end: one that runs already gets a new owner.
void order_worker(supervisor_pointer self, const entity& item);

/// A machine has joined, or tells again what it has.
void take_node(supervisor_pointer self, const node_here& hello,
               const node_actor& node);

/// Some actor is down: if it is a machine, its workers are lost.
void lose_node(supervisor_pointer self, const caf::down_msg& down);

/// A worker says that it can be spoken to.
void greet(supervisor_pointer self, const worker_ticket& ticket,
           const worker_actor& worker);

/// A worker tells how far it has come with loading.
void take_progress(supervisor_pointer self, const load_progress& told);

/// Ends an entity's worker on purpose: its going down is nobody's loss.
void dismiss(supervisor_pointer self, const entity& item);

/// The same for all of a list, which is empty then.
void dismiss_all(supervisor_pointer self, std::list<entity>& items);

/// The same for a worker that does not answer: it hangs in a step, so its
/// replies get no word from it.
void abandon(supervisor_pointer self, const entity& item);

/// Some actor is down: if it is a worker, its node will tell why.
void on_down(supervisor_pointer self, const caf::down_msg& down);

/// A worker has come to its end: its replies hear of it, and its entity gets
/// another one after a pause.
void on_end(supervisor_pointer self, const worker_ended& report);

/// Answers whoever waits for the entity to be ready or to have left, if anybody
/// does: that it is so, or why it will not be.
void answer(entity& item);
void answer(entity& item, caf::error reason);

/// Takes an entity out.
void erase(supervisor_pointer self, const entity& gone);

device_report report_of(const entity& item);

/// A removed entity's worker has told so many replies to move, or never will:
/// answers who removed it.
void finish_departure(supervisor_pointer self, std::uint64_t incarnation,
                      std::optional<std::uint32_t> moved_replies);

// -- devices ------------------------------------------------------------------

/// `wanted` may be empty. Without `wait` the answer comes at once.
caf::result<device_report> add(supervisor_pointer self,
                               const std::string& wanted, bool wait);
caf::result<device_report> activate(supervisor_pointer self,
                                    const activate_model& order);
caf::result<device_report> remove(supervisor_pointer self,
                                  const remove_device& order);

} // namespace model_server
