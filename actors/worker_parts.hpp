// What the sources of the worker share: how a reply begins and ends there.
#pragma once

#include "actors/worker.hpp"

#include <exception>

namespace model_server {

using worker_pointer = worker_actor::stateful_pointer<worker_state>;

/// The entry threw: its own words, under our code. They are also left behind.
caf::error broken_model(worker_pointer self, errc code,
                        const std::exception_ptr& cause);

/// Sees to it that a step follows what is in the mailbox now.
void schedule_step(worker_pointer self);

/// Forgets a reply that was taken out of the queue. The step that follows gives
/// its place to the next.
void retire(worker_pointer self, generation& item);

/// The same, and tells the reply why.
void end_with(worker_pointer self, generation& item, failure reason);

} // namespace model_server
