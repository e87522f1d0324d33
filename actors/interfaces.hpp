// Every actor handle, a comment a handler: the map of the system.
#pragma once

#include "actors/messages.hpp"
#include "actors/reload_plan.hpp"

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

namespace model_server {

// What actors send to themselves.
using step_atom = caf::atom_constant<caf::atom("step")>;
using load_atom = caf::atom_constant<caf::atom("load")>;
using tick_atom = caf::atom_constant<caf::atom("tick")>;
using retry_atom = caf::atom_constant<caf::atom("retry")>;
using ended_atom = caf::atom_constant<caf::atom("ended")>;
using pulse_atom = caf::atom_constant<caf::atom("pulse")>;
using late_atom = caf::atom_constant<caf::atom("late")>;
using stuck_atom = caf::atom_constant<caf::atom("stuck")>;
using idle_atom = caf::atom_constant<caf::atom("idle")>;

// What a process asks of the front before it goes.
using flush_atom = caf::atom_constant<caf::atom("flush")>;

// What the gateway asks of a supervisor whose model is being removed.
using retire_atom = caf::atom_constant<caf::atom("retire")>;

// What is asked while memory runs out: one of what waits at a worker, and one
// of the models that are idle.
using shed_atom = caf::atom_constant<caf::atom("shed")>;
using reclaim_atom = caf::atom_constant<caf::atom("reclaim")>;

// What a supervisor asks of a worker whose device is being removed.
using hand_over_atom = caf::atom_constant<caf::atom("hand_over")>;
using finish_atom = caf::atom_constant<caf::atom("finish")>;

/// Where a worker sends what becomes of its replies.
using token_sink = caf::typed_actor<
    // What a step made, for all replies of this sink.
    caf::reacts_to<step_chunks>,
    // The worker refuses to go on with this request.
    caf::reacts_to<reply_failed>,
    // The worker's device goes away: asks the supervisor again, with the log.
    caf::reacts_to<moved>>;

/// Where a worker sends how busy it is.
using load_watcher = caf::typed_actor<
    // A worker's load has changed.
    caf::reacts_to<worker_load>,
    // A worker has come so far with its model.
    caf::reacts_to<load_progress>>;

/// Owns one model on one device and runs its batches.
using worker_actor = caf::typed_actor<
    // Makes the entry; errors: load_failed. Nothing else is taken before. Asked
    // again, only tells the new watcher its load.
    caf::replies_to<load_atom, load_watcher>::with<worker_ready>,
    // Encodes and queues. Errors: queue_full, context_length_exceeded,
    // bad_chat, out_of_range, unsupported_field, wrong_task, worker_lost (the
    // model broke on this chat), model_loading (it takes nothing yet, or no
    // more).
    caf::replies_to<submit, token_sink>::with<admitted>,
    // Errors: bad_chat, out_of_range, unsupported_field, worker_lost,
    // model_loading, each as for a submit.
    caf::replies_to<tokenize>::with<tokenized>,
    caf::replies_to<detokenize>::with<detokenized>,
    // More tokens may be made for a reply.
    caf::reacts_to<credit>,
    // Ends a reply early. Unknown ids are ignored.
    caf::reacts_to<cancel>,
    // Tells every reply to move, answers how many, and takes no more.
    caf::replies_to<hand_over_atom>::with<std::uint32_t>,
    // Takes no more; answers when its last reply has ended.
    caf::replies_to<finish_atom>::with<caf::ok_atom>,
    // Ends all its replies.
    caf::reacts_to<end_replies>,
    // Memory runs out: ends the youngest that waits, if any does.
    caf::reacts_to<shed_atom>,
    // INTERNAL: runs one batch step.
    caf::reacts_to<step_atom>>;

/// One reply in progress, the only one to its request or one of several: owns
/// the request and its token log, ends it exactly once.
using reply_actor = caf::typed_actor<
    // What a step made. Old incarnations and known numbers are dropped.
    caf::reacts_to<token_chunk>,
    // The worker refuses to go on with this request.
    caf::reacts_to<reply_failed>,
    // The worker's device goes away: asks the supervisor again, with the log.
    caf::reacts_to<moved>,
    // The supervisor has sent the request to this worker.
    caf::reacts_to<routed, worker_actor>,
    // A worker is gone: goes on elsewhere if it was this reply's.
    caf::reacts_to<worker_gone>,
    // The server stops, or another choice has failed: ends with this error.
    caf::reacts_to<stop_reply>,
    // The client has taken tokens: more credit for the worker.
    caf::reacts_to<written>,
    // The client left: frees the worker's place and ends.
    caf::reacts_to<client_left>,
    // The gateway's pulse: pings a silent stream, watches the deadline.
    caf::reacts_to<pulse_atom>,
    // Tells its story so far.
    caf::replies_to<get_story>::with<reply_story>,
    // INTERNAL: submits again after a lost worker or a loading model.
    caf::reacts_to<retry_atom>>;

/// One per front: remembers what happened to the last requests.
using history_actor = caf::typed_actor<
    // A reply that can be asked for its story has begun.
    caf::reacts_to<story_begun, reply_actor>,
    // It is over, and this is all of it.
    caf::reacts_to<reply_story>,
    // Errors: request_not_found.
    caf::replies_to<get_stories>::with<request_stories>>;

/// One per front, the sink of all its workers: knows which reply has which
/// worker. A step of a worker is one message so, and a worker's process knows
/// one address of its front, not one for each reply.
using token_router = caf::typed_actor<
    // As a sink: passed on to their replies; unknown ids are dropped.
    caf::reacts_to<step_chunks>, caf::reacts_to<reply_failed>,
    caf::reacts_to<moved>,
    // Passed on to the replies that the worker has or had last, behind what it
    // has made for them.
    caf::reacts_to<worker_gone>,
    // Tells the reply of the route, and asks the worker.
    caf::replies_to<submit, routed, worker_actor, reply_actor>::with<admitted>>;

/// Who started a worker.
using worker_owner = caf::typed_actor<
    // It can be spoken to.
    caf::reacts_to<worker_here, worker_actor>,
    // It has ended.
    caf::reacts_to<worker_ended>>;

/// One per machine: starts workers there and sees their ends.
using node_actor = caf::typed_actor<
    // Starts a worker for an owner; one that is started already changes owners.
    caf::reacts_to<start_worker, worker_owner>,
    // Ends it, if it does not end by itself soon. Unknown ones are ignored.
    caf::reacts_to<stop_worker>,
    // The settings of this machine, for orders that bring none.
    caf::reacts_to<model_list>,
    // INTERNAL: the process of this worker has ended, and waits to be reaped.
    caf::reacts_to<ended_atom, std::uint64_t>,
    // INTERNAL: this worker has had its time to end by itself.
    caf::reacts_to<tick_atom, std::uint64_t>,
    // INTERNAL: looks for workers that hang.
    caf::reacts_to<tick_atom>>;

/// One per front: measures the memory that is left.
using memory_watch_actor = caf::typed_actor<
    // INTERNAL: measures again.
    caf::reacts_to<tick_atom>>;

/// One per front: finds memory for models that are loaded on demand.
using memory_keeper_actor = caf::typed_actor<
    // Answers with a device that has it, after idle models have been unloaded
    // if need be; one after the other. Errors: insufficient_memory.
    caf::replies_to<make_room>::with<room>,
    // Unloads the idle model of this machine that was used least recently, if
    // nothing else is going on.
    caf::reacts_to<reclaim_atom>>;

/// One per front: reads config.json and the models folder again.
using reloader_actor = caf::typed_actor<
    // Answers when the gateway has taken the changes, which may be under way
    // then. Errors: bad_config (nothing was changed), shutting_down.
    caf::replies_to<reload_models>::with<reload_report>>;

/// The one door from HTTP: model name to supervisor, admission.
using gateway_actor = caf::typed_actor<
    // Delegates to the model's supervisor. Errors: model_not_found,
    // shutting_down, low_memory, and those of the supervisor.
    caf::replies_to<submit, reply_actor>::with<admitted>,
    caf::replies_to<tokenize>::with<tokenized>,
    caf::replies_to<detokenize>::with<detokenized>,
    caf::replies_to<add_device>::with<device_report>,
    caf::replies_to<remove_device>::with<device_report>,
    caf::replies_to<activate_model>::with<device_report>,
    caf::replies_to<unload_model>::with<bool>,
    caf::replies_to<get_status>::with<server_status>,
    // Delegates to the reloader. Errors: its own.
    caf::replies_to<reload_models>::with<reload_report>,
    // Adds, removes and changes models. Errors: shutting_down.
    caf::replies_to<reload_plan>::with<caf::ok_atom>,
    // The one that reloads.
    caf::reacts_to<reloader_actor>,
    // Stops admitting and waits for the replies in progress; answers how many
    // were cut off.
    caf::replies_to<drain>::with<std::uint32_t>,
    // A worker in a process of its own; passed on to its supervisor.
    caf::reacts_to<worker_here, worker_actor>,
    // A machine of the cluster; errors: name_in_use. Every supervisor hears.
    caf::replies_to<node_here, node_actor>::with<caf::ok_atom>,
    // Memory runs out: every supervisor hears, or the keeper.
    caf::reacts_to<shed_atom>, caf::reacts_to<reclaim_atom>,
    // Answers when what its sender sent here before has arrived.
    caf::replies_to<flush_atom>::with<caf::ok_atom>,
    // INTERNAL: the drain limit has passed.
    caf::reacts_to<tick_atom>,
    // INTERNAL: lets every open reply look at the clock.
    caf::reacts_to<pulse_atom>>;

/// One per model name: owns its workers, restarts them, picks one per reply.
using supervisor_actor = caf::typed_actor<
    // Has the router ask a worker, once the model has been loaded if that is to
    // be on demand. Errors: model_not_active, model_loading, queue_full,
    // load_failed, insufficient_memory and those of the worker.
    caf::replies_to<submit, reply_actor>::with<admitted>,
    // Delegates to a worker. Errors as above.
    caf::replies_to<tokenize>::with<tokenized>,
    caf::replies_to<detokenize>::with<detokenized>,
    // Errors: no_such_device, device_in_use, load_failed.
    caf::replies_to<add_device>::with<device_report>,
    // Errors: model_not_active, no_such_device.
    caf::replies_to<remove_device>::with<device_report>,
    // Errors: as add_device.
    caf::replies_to<activate_model>::with<device_report>,
    // Answers when what was loaded on demand is gone, memory and all, or at
    // once that it is needed.
    caf::replies_to<unload_model>::with<bool>,
    caf::replies_to<get_status>::with<model_status>,
    // From now on the model has this setting. A worker that needs another start
    // for it is replaced when its successor is ready.
    caf::reacts_to<model_setting>,
    // Finishes the replies and takes no more; answers when no worker is left.
    caf::replies_to<retire_atom>::with<caf::ok_atom>,
    // Fails whoever waits for an entity to be ready: the server stops.
    caf::reacts_to<drain>,
    // Memory runs out: every worker hears.
    caf::reacts_to<shed_atom>,
    // Through which requests and tokens go, and who finds memory. Comes first.
    caf::reacts_to<token_router, memory_keeper_actor>,
    // As the watcher of its workers.
    caf::reacts_to<worker_load>, caf::reacts_to<load_progress>,
    // A machine that may have devices for this model.
    caf::reacts_to<node_here, node_actor>,
    // As the owner of its workers.
    caf::reacts_to<worker_here, worker_actor>, caf::reacts_to<worker_ended>,
    // INTERNAL: starts the worker of this incarnation's entity again.
    caf::reacts_to<retry_atom, std::uint64_t>,
    // INTERNAL: a leaving entity has had its time to finish.
    caf::reacts_to<tick_atom, std::uint64_t>,
    // INTERNAL: a call has waited long enough for its model to be loaded.
    caf::reacts_to<late_atom>,
    // INTERNAL: what was loaded on demand has had its time to be ready.
    caf::reacts_to<stuck_atom, std::uint64_t>,
    // INTERNAL: looks whether the model has been idle for its time.
    caf::reacts_to<idle_atom>>;

} // namespace model_server
