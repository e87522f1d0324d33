// The memory watch actor: measures what is left, and has the server save.
#include "actors/memory_watch.hpp"

#include "config/logging.hpp"

#include <exception>
#include <utility>

namespace model_server {

namespace {

using watch_pointer = memory_watch_actor::stateful_pointer<memory_watch_state>;

constexpr auto pause = std::chrono::milliseconds{250};

void note_change(const memory_watch_options& options, memory_level level,
                 std::uint64_t left) {
  options.counted->count_memory_level(to_string(level));
  log_event(level == memory_level::plenty ? log_level::info
                                          : log_level::warning,
            "memory_level",
            {{"level", to_string(level)},
             {"left_bytes", left},
             {"reserve_bytes", options.reserve}});
}

std::optional<std::uint64_t> measure(const memory_watch_options& options) {
  try {
    return options.measure();
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

void look(watch_pointer self) {
  const auto& options = self->state.options;
  self->delayed_send(self, pause, tick_atom::value);
  // Where nobody knows nothing is given up.
  auto left = measure(options);
  if (left)
    options.counted->set_memory_left(*left);
  auto before = options.gauge->level.load();
  auto level = left ? memory_level_at(*left, options.reserve, before)
                    : memory_level::plenty;
  if (level != before) {
    options.gauge->level = level;
    note_change(options, level, left.value_or(0));
  }
  if (level >= memory_level::refuse_requests)
    self->send(options.gateway, reclaim_atom::value);
  if (level == memory_level::cancel_waiting)
    self->send(options.gateway, shed_atom::value);
}

} // namespace

memory_watch_actor::behavior_type memory_watch(watch_pointer self,
                                               memory_watch_options options) {
  self->state.options = std::move(options);
  self->monitor(self->state.options.gateway);
  self->set_down_handler([self](const caf::down_msg&) { self->quit(); });
  self->send(self, tick_atom::value);
  return {[self](tick_atom) { look(self); }};
}

} // namespace model_server
