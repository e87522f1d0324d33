// The beginning and the end of a reply at its worker.
#include "actors/worker_parts.hpp"

#include <string>
#include <utility>

namespace model_server {

caf::error broken_model(worker_pointer self, errc code,
                        const std::exception_ptr& cause) {
  std::string words = "an exception of an unknown kind";
  try {
    std::rethrow_exception(cause);
  } catch (const std::exception& error) {
    words = error.what();
  } catch (...) {
    // no words
  }
  self->state.options.page->write_last_words(words);
  return to_error({code, std::move(words), "", 0});
}

void schedule_step(worker_pointer self) {
  if (!self->state.step_is_due) {
    self->state.step_is_due = true;
    self->send(self, step_atom::value);
  }
}

void retire(worker_pointer self, generation& item) {
  self->state.entry->release(item.state().id);
  schedule_step(self);
}

void end_with(worker_pointer self, generation& item, failure reason) {
  self->send(item.sink(),
             reply_failed{item.id(), self->state.options.incarnation,
                          std::move(reason)});
  retire(self, item);
}

} // namespace model_server
