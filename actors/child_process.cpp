// A process of our own program that does not outlive us.
#include "actors/child_process.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <system_error>

#include <fcntl.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace model_server {

namespace {

// Descriptors are first copied to numbers from here on, so that none is
// overwritten before it has its place in the child.
constexpr int far_descriptor = 64;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

// What is done in the child before the program starts.
class file_actions {
public:
  file_actions() {
    ::posix_spawn_file_actions_init(&actions_);
  }
  ~file_actions() {
    ::posix_spawn_file_actions_destroy(&actions_);
  }
  file_actions(const file_actions&) = delete;
  file_actions& operator=(const file_actions&) = delete;

  void copy(int from, int to) {
    ::posix_spawn_file_actions_adddup2(&actions_, from, to);
  }

  void close_from(int first) {
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, first);
  }

  const posix_spawn_file_actions_t* get() const {
    return &actions_;
  }

private:
  posix_spawn_file_actions_t actions_;
};

unique_fd far_copy(int descriptor) {
  unique_fd result{::fcntl(descriptor, F_DUPFD_CLOEXEC, far_descriptor)};
  if (result.get() < 0)
    fail("fcntl");
  return result;
}

// Runs the program after the actions, with `given` from descriptor 3 on.
pid_t spawn(const char* program, std::vector<std::string> arguments,
            const std::vector<int>& given, file_actions& actions) {
  std::vector<char*> pointers;
  for (auto& argument : arguments)
    pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  std::vector<unique_fd> copies;
  auto place = first_given_descriptor;
  for (auto descriptor : given) {
    copies.push_back(far_copy(descriptor));
    actions.copy(copies.back().get(), place++);
  }
  // Connections of clients must not be kept open by a child.
  actions.close_from(place);
  // Not fork: it has libraries prepare for it, and OpenBLAS then waits for ever
  // for a thread that computes just now.
  pid_t result = -1;
  if (auto problem = ::posix_spawnp(&result, program, actions.get(), nullptr,
                                    pointers.data(), environ);
      problem != 0)
    throw std::system_error(problem, std::generic_category(), program);
  return result;
}

void write_all(int to, std::string_view text) {
  while (!text.empty()) {
    auto done = ::write(to, text.data(), text.size());
    if (done < 0 && errno == EINTR)
      continue;
    if (done < 0)
      return; // it has ended already, which is noticed elsewhere
    text.remove_prefix(static_cast<std::size_t>(done));
  }
}

} // namespace

child_process start_child(std::vector<std::string> arguments,
                          const std::vector<int>& given,
                          std::string_view orders) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    fail("pipe");
  unique_fd read_end{ends[0]};
  child_process result;
  result.input = unique_fd{ends[1]};
  file_actions actions;
  auto input = far_copy(read_end.get());
  actions.copy(input.get(), STDIN_FILENO);
  actions.copy(STDERR_FILENO, STDOUT_FILENO);
  result.id = spawn("/proc/self/exe", std::move(arguments), given, actions);
  read_end.reset();
  write_all(result.input.get(), orders);
  return result;
}

pid_t start_second(const std::string& program,
                   std::vector<std::string> arguments,
                   const std::vector<int>& given) {
  file_actions actions;
  return spawn(program.c_str(), std::move(arguments), given, actions);
}

void wait_for_end(pid_t child) {
  siginfo_t info;
  while (::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT)
             != 0
         && errno == EINTR)
    continue;
}

int reap(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR)
    continue;
  return status;
}

void kill_child(pid_t child) {
  ::kill(child, SIGKILL);
}

void live_as_child() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGTERM, SIG_IGN);
  std::signal(SIGHUP, SIG_IGN);
  std::signal(SIGUSR2, SIG_IGN);
  std::ofstream{"/proc/self/oom_score_adj"} << 500;
}

std::string describe_end(int status) {
  if (WIFSIGNALED(status))
    return fmt::format("was ended by signal {} ({})", WTERMSIG(status),
                       ::strsignal(WTERMSIG(status)));
  return fmt::format("ended with status {}", WEXITSTATUS(status));
}

bool broke_by_itself(int status) {
  if (WIFEXITED(status))
    return WEXITSTATUS(status) != 0;
  switch (WTERMSIG(status)) {
  case SIGSEGV:
  case SIGABRT:
  case SIGBUS:
  case SIGFPE:
  case SIGILL:
  case SIGSYS:
  case SIGTRAP:
    return true;
  default:
    return false;
  }
}

} // namespace model_server
