// The log of the process: structured lines on stderr.
#pragma once

#include "config/log_line.hpp"

#include <initializer_list>
#include <string_view>

namespace model_server {

/// Begins to log. Lines are written by a thread of their own: at most 4096 wait
/// for it, the oldest give way to newer ones, and what got lost is counted in a
/// line. A reader that is gone or does not read loses lines, no more. Call once
/// in `main`; before it and after `stop_logging` lines go nowhere.
void start_logging(const log_settings& how, int descriptor = 2);

/// Writes what waits and ends the thread. No other thread may log by then.
void stop_logging();

/// Logs one event. Safe from any thread, never waits for the reader.
///
///   log_event(log_level::info, "request_done",
///             {{"request_id", id}, {"model", name}, {"tokens", 12}});
void log_event(log_level level, std::string_view event,
               std::initializer_list<log_field> fields = {});

} // namespace model_server
