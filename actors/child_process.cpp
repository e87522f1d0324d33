// A process of our own program that does not outlive us.
#include "actors/child_process.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <system_error>

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace model_server {

namespace {

// Of the highest number that a moved descriptor may need.
constexpr int far_descriptor = 64;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

// Between fork and exec only what is safe in a signal handler may be called:
// other threads may have held any lock.
[[noreturn]] void become_child(char* const* arguments, int input,
                               const int* given, int given_count) {
  // Out of the way of the numbers that they shall have.
  int moved[far_descriptor];
  auto count = std::min(given_count, far_descriptor);
  for (int i = 0; i < count; ++i)
    moved[i] = ::fcntl(given[i], F_DUPFD, far_descriptor);
  auto far_input = ::fcntl(input, F_DUPFD, far_descriptor);
  ::dup2(far_input, STDIN_FILENO);
  ::dup2(STDERR_FILENO, STDOUT_FILENO);
  for (int i = 0; i < count; ++i)
    ::dup2(moved[i], first_given_descriptor + i);
  // Connections of clients must not be kept open by us.
  auto first = static_cast<unsigned>(first_given_descriptor + count);
  if (::syscall(SYS_close_range, first, ~0U, 0U) != 0)
    for (auto i = static_cast<int>(first); i < 65'536; ++i)
      ::close(i);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  std::signal(SIGPIPE, SIG_DFL);
  ::execv("/proc/self/exe", arguments);
  ::_exit(127);
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
  std::vector<char*> pointers;
  for (auto& argument : arguments)
    pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    fail("pipe");
  unique_fd read_end{ends[0]};
  child_process result;
  result.input = unique_fd{ends[1]};
  result.id = ::fork();
  if (result.id < 0)
    fail("fork");
  if (result.id == 0)
    become_child(pointers.data(), read_end.get(), given.data(),
                 static_cast<int>(given.size()));
  read_end.reset();
  write_all(result.input.get(), orders);
  return result;
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
