// The process of one worker: what `main` runs instead of a server.
#pragma once

namespace model_server {

/// As the first argument it says that this process is a worker. Not for people:
/// the node starts it, with more on standard input. Model and device follow
/// for those who look at a list of processes.
inline constexpr const char* worker_process_flag = "--worker-process";

/// Loads the model it is told to, serves until it is told to go or its parent
/// is gone, and never returns.
[[noreturn]] void run_worker_process();

} // namespace model_server
