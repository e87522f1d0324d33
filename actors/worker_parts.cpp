// The beginning and the end of a reply at its worker.
#include "actors/worker_parts.hpp"

#include <algorithm>
#include <utility>

namespace model_server {

caf::error broken_model(errc code, const std::exception_ptr& cause) {
  try {
    std::rethrow_exception(cause);
  } catch (const std::exception& error) {
    return to_error({code, error.what(), "", 0});
  } catch (...) {
    return to_error({code, "an exception of an unknown kind", "", 0});
  }
}

void schedule_step(worker_pointer self) {
  if (!self->state.step_is_due) {
    self->state.step_is_due = true;
    self->send(self, step_atom::value);
  }
}

void retire(worker_pointer self, generation& item) {
  self->demonitor(item.sink().address());
  self->state.entry->release(item.state().id);
  schedule_step(self);
}

void end_with(worker_pointer self, generation& item, failure reason) {
  self->send(item.sink(),
             reply_failed{item.id(), self->state.options.incarnation,
                          std::move(reason)});
  retire(self, item);
}

void spare(worker_pointer self, std::span<generation* const> batch) {
  for (const auto& item : self->state.queue.take_all())
    if (std::ranges::find(batch, item.get()) == batch.end())
      self->send(item->sink(),
                 moved{item->id(), self->state.options.incarnation});
}

} // namespace model_server
