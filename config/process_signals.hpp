// What the main thread waits for: signals, and news of the program's own.
#pragma once

#include <chrono>

namespace model_server {

/// From now on SIGTERM, SIGINT, SIGHUP and SIGUSR2 are kept for the functions
/// below. Once per process, before any of them.
void catch_signals();

/// Lets `wait_for_news` return. Any thread.
void tell_news();

/// As if that signal had come. Any thread.
void ask_to_stop(int signal);

/// Until a signal comes or one of the two above is called. The main thread.
void wait_for_news();

/// The signal that wants an end, or 0.
int stop_signal();

/// True once after each SIGHUP that is a wish to reload. Where it says that
/// the terminal is gone in which we were started, it becomes a wish to stop,
/// unless whoever started us did not want that (nohup).
bool take_reload_wish();

/// True once after SIGUSR2.
bool take_succession_wish();

/// Returns after that time, or sooner once there is a wish to stop.
void wait_for_stop(std::chrono::seconds limit);

/// The next wish to stop ends the process at once.
void release_stop_signals();

} // namespace model_server
