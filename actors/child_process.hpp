// A process of our own program that does not outlive us.
#pragma once

#include "actors/shared_memory.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace model_server {

/// Where a child finds what it is given, from descriptor 3 on.
inline constexpr int first_given_descriptor = 3;

/// A running child. It reads its orders from standard input, and takes the end
/// of that as the end of its parent: so it is told to go by `input.reset()`.
struct child_process {
  pid_t id = -1;
  unique_fd input;
};

/// Starts this very program with `arguments`, the first of which is its name,
/// and writes `orders` to its standard input. It has `given` as descriptors 3,
/// 4, ..., our standard error as its own and as its output, and no other of our
/// descriptors. Throws `std::system_error`.
child_process start_child(std::vector<std::string> arguments,
                          const std::vector<int>& given,
                          std::string_view orders);

/// Starts `program`, a path or a name for the shell's search path, in our place
/// later on: it has `given` as above and our own standard streams, and it
/// outlives us. Throws `std::system_error`.
pid_t start_second(const std::string& program,
                   std::vector<std::string> arguments,
                   const std::vector<int>& given);

/// Waits until it has ended, without taking note of that: its number stays its
/// own until `reap`. Safe from any thread.
void wait_for_end(pid_t child);

/// Takes note of a child that has ended; returns its status as waitpid gives
/// it.
int reap(pid_t child);

/// Ends it at once, even if it is stopped.
void kill_child(pid_t child);

/// To be called first thing in a child: the system ends it when the thread that
/// started it ends, and sooner than its parent when memory runs out. SIGINT,
/// SIGTERM, SIGHUP and SIGUSR2, which a terminal or a service manager sends to
/// all, are for the parent, which lets replies finish first.
void live_as_child();

/// What a status of waitpid means, for people: `was killed by signal 9
/// (Killed)`.
std::string describe_end(int status);

/// The process broke by itself: an exit status that is not 0, or a signal for
/// what it did, such as SIGSEGV. Others come from outside.
bool broke_by_itself(int status);

} // namespace model_server
