// What the sources of the supervisor share: its workers and its devices.
#pragma once

#include "actors/supervisor.hpp"

#include <cstdint>
#include <list>
#include <optional>
#include <string>

namespace model_server {

using supervisor_pointer = supervisor_actor::stateful_pointer<supervisor_state>;

/// Something has come, gone or changed: goes on with whatever waited for that.
/// The one place where a change of settings, loading on demand, unloading and
/// the end of a removed model are carried on, so that none of them gets stuck.
void look_again(supervisor_pointer self);

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

/// A node tells that a worker has ended.
void on_told_end(supervisor_pointer self, const worker_ended& report);

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

/// Puts an entity there, whose worker loads the model as it is set now.
entity& put(supervisor_pointer self, std::string device);

/// Takes a ready entity away: its replies go on with another one, or if none
/// could go on as they began they are finished first, up to the drain limit,
/// when they end with this word.
void take_away(supervisor_pointer self, entity& item, failure last_word);

/// The same, finishing them there in any case.
void finish(supervisor_pointer self, entity& item, failure last_word);

// -- changes of the configuration ---------------------------------------------

/// Larger than all before, those of a supervisor before this one too.
std::uint64_t new_setting_number(supervisor_pointer self);

void change(supervisor_pointer self, const model_setting& wanted);
caf::result<caf::ok_atom> retire(supervisor_pointer self);

/// Goes on with replacing workers by ones with the new setting, one at a time.
void replace_workers(supervisor_pointer self);

/// The entity that takes another one's place is ready, or never will be.
void take_over(supervisor_pointer self, entity& successor);
void keep_old(supervisor_pointer self, const entity& successor,
              const std::string& why);

/// Lets a retired supervisor's gateway know that nothing is left.
void end_retirement(supervisor_pointer self);

// -- loading on demand, unloading ---------------------------------------------

/// Sends waiting calls to workers, has the model loaded for them, or refuses
/// them.
void serve_demand(supervisor_pointer self);

/// Why another call may not wait; nothing if it may.
std::optional<failure> refuse_to_wait(supervisor_pointer self);

/// Puts a call into the queue. The client may be null.
void wait_for_load(supervisor_pointer self, waiting_call call,
                   const caf::actor& client);

/// Refuses all that wait.
void refuse_demand(supervisor_pointer self, const failure& why);

/// Refuses those that have waited long enough.
void refuse_late(supervisor_pointer self);

/// What a call had loaded will not be ready.
void load_has_failed(supervisor_pointer self, const failure& why);

/// What was loaded on demand takes too long for it.
void give_up_load(supervisor_pointer self, std::uint64_t incarnation);

/// Unloads what has been idle for its time.
void watch_idle(supervisor_pointer self);

caf::result<bool> unload(supervisor_pointer self);

/// Answers those who wait for an unload, if it is over.
void answer_unloads(supervisor_pointer self);

} // namespace model_server
