// Handlers that leave a mark and wake the main thread.
#include "config/process_signals.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <ctime>

#include <fcntl.h>
#include <semaphore.h>
#include <unistd.h>

namespace model_server {

namespace {

// What a signal handler may touch.
sem_t something_new;
std::atomic<int> asked_to_stop{0};
std::atomic<bool> has_hung_up{false};
std::atomic<bool> succession_asked{false};
static_assert(std::atomic<int>::is_always_lock_free);

bool ends_with_terminal = false;

void hang_up(int) {
  has_hung_up = true;
  tell_news();
}

void ask_for_succession(int) {
  succession_asked = true;
  tell_news();
}

bool has_terminal() {
  auto terminal = ::open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
  if (terminal < 0)
    return false;
  ::close(terminal);
  return true;
}

} // namespace

// By handlers and not by a mask: libraries start threads before `main`, and a
// signal goes to any thread that doesn't mask it.
void catch_signals() {
  ::sem_init(&something_new, 0, 0);
  struct sigaction action {};
  action.sa_flags = SA_RESTART;
  sigset_t signals;
  ::sigemptyset(&signals);
  for (auto which : {SIGTERM, SIGINT, SIGUSR2}) {
    action.sa_handler = which == SIGUSR2 ? ask_for_succession : ask_to_stop;
    ::sigaction(which, &action, nullptr);
    ::sigaddset(&signals, which);
  }
  action.sa_handler = hang_up;
  struct sigaction before {};
  ::sigaction(SIGHUP, &action, &before);
  ::sigaddset(&signals, SIGHUP);
  ends_with_terminal = before.sa_handler != SIG_IGN && has_terminal();
  ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

void tell_news() {
  ::sem_post(&something_new);
}

void ask_to_stop(int signal) {
  asked_to_stop = signal;
  tell_news();
}

void wait_for_news() {
  while (::sem_wait(&something_new) != 0)
    continue; // interrupted by some other signal
}

int stop_signal() {
  return asked_to_stop;
}

bool take_reload_wish() {
  if (!has_hung_up.exchange(false))
    return false;
  if (!ends_with_terminal || has_terminal())
    return true;
  ask_to_stop(SIGHUP);
  return false;
}

bool take_succession_wish() {
  return succession_asked.exchange(false);
}

void wait_for_stop(std::chrono::seconds limit) {
  timespec until{};
  ::clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += limit.count();
  auto is_over = false;
  while (asked_to_stop == 0 && !is_over)
    is_over = ::sem_clockwait(&something_new, CLOCK_MONOTONIC, &until) != 0
              && errno == ETIMEDOUT;
}

void release_stop_signals() {
  for (auto which : {SIGTERM, SIGINT})
    std::signal(which, SIG_DFL);
}

} // namespace model_server
