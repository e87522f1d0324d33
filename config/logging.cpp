// Logs through spdlog: its registry, its queue, our sink.
#include "config/logging.hpp"

#include <fmt/format.h>
#include <spdlog/async.h>
#include <spdlog/sinks/sink.h>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <fcntl.h>
#include <memory>
#include <poll.h>
#include <unistd.h>

namespace model_server {

namespace {

constexpr std::size_t max_waiting_lines = 4096;

// How long a reader may leave the pipe full before lines are given up; the
// lines after that are not waited for until it reads again.
constexpr int patience_ms = 1000;

// Writes whole lines to a descriptor; used by the log thread alone.
class descriptor_sink : public spdlog::sinks::sink {
public:
  descriptor_sink(int descriptor, log_settings how)
      : descriptor_(descriptor), how_(how) {
    // nop
  }

  // Lines that gave way in the queue are read off it.
  void watch(spdlog::details::thread_pool& queue) {
    queue_ = &queue;
  }

  const log_settings& how() const {
    return how_;
  }

  void log(const spdlog::details::log_msg& message) override {
    report_losses();
    auto line = std::string{message.payload.data(), message.payload.size()};
    line += '\n';
    if (!write_line(line))
      ++lost_;
  }

  void flush() override {
    // nop: nothing is kept here
  }

  void set_pattern(const std::string&) override {
    // nop: lines arrive formatted
  }

  void set_formatter(std::unique_ptr<spdlog::formatter>) override {
    // nop
  }

private:
  void report_losses() {
    auto lost = lost_ + queue_->overrun_counter();
    if (lost == reported_)
      return;
    log_field count{"lines", lost - reported_};
    auto line = format_log_line(how_, log_level::warning,
                                std::chrono::system_clock::now(),
                                "log_lines_lost", {&count, 1});
    if (write_line(line + '\n'))
      reported_ = lost;
  }

  // A pipe that has room takes PIPE_BUF bytes without blocking.
  bool write_line(std::string_view line) {
    if (broken_line_)
      if (!write_part("\n"))
        return false;
    broken_line_ = false;
    auto is_begun = false;
    while (!line.empty()) {
      auto part = line.substr(0, PIPE_BUF);
      if (!write_part(part)) {
        broken_line_ = is_begun;
        return false;
      }
      is_begun = true;
      line.remove_prefix(part.size());
    }
    return true;
  }

  bool write_part(std::string_view part) {
    while (!part.empty()) {
      pollfd wait{descriptor_, POLLOUT, 0};
      auto ready = ::poll(&wait, 1, is_stuck_ ? 0 : patience_ms);
      if (ready < 0 && errno == EINTR)
        continue;
      is_stuck_ = ready == 0;
      if (ready <= 0)
        return false;
      auto written = ::write(descriptor_, part.data(), part.size());
      if (written < 0 && (errno == EINTR || errno == EAGAIN))
        continue;
      if (written < 0)
        return false;
      part.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
  }

  int descriptor_;
  log_settings how_;
  spdlog::details::thread_pool* queue_ = nullptr;
  bool is_stuck_ = false;
  bool broken_line_ = false;
  std::size_t lost_ = 0;
  std::size_t reported_ = 0;
};

spdlog::level::level_enum to_spdlog(log_level level) {
  switch (level) {
  case log_level::debug:
    return spdlog::level::debug;
  case log_level::info:
    return spdlog::level::info;
  case log_level::warning:
    return spdlog::level::warn;
  case log_level::error:
    return spdlog::level::err;
  }
  return spdlog::level::err;
}

// The logger that `start_logging` made, if it is in force and logs `level`, and
// its sink, which knows how lines are to look.
struct current_log {
  spdlog::logger* logger = nullptr;
  const descriptor_sink* sink = nullptr;
};

current_log find_log(log_level level) {
  auto* logger = spdlog::default_logger_raw();
  if (logger == nullptr || !logger->should_log(to_spdlog(level))
      || logger->sinks().empty())
    return {};
  const auto* sink =
      dynamic_cast<const descriptor_sink*>(logger->sinks().front().get());
  return sink == nullptr ? current_log{} : current_log{logger, sink};
}

// A closed descriptor would be given to the next file or socket, which then
// gets the log.
void occupy(int descriptor) {
  if (::fcntl(descriptor, F_GETFD) != -1 || errno != EBADF)
    return;
  auto opened = -1;
  do
    opened = ::open("/dev/null", O_WRONLY);
  while (opened >= 0 && opened < descriptor);
}

// A write to a reader that is gone raises SIGPIPE on the writing thread.
void block_sigpipe() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

} // namespace

void start_logging(const log_settings& how, int descriptor) {
  occupy(descriptor);
  auto queue = std::make_shared<spdlog::details::thread_pool>(max_waiting_lines,
                                                              1, block_sigpipe);
  auto sink = std::make_shared<descriptor_sink>(descriptor, how);
  sink->watch(*queue);
  auto logger = std::make_shared<spdlog::async_logger>(
      "model_server", sink, queue,
      spdlog::async_overflow_policy::overrun_oldest);
  logger->set_level(to_spdlog(how.level));
  spdlog::details::registry::instance().set_tp(std::move(queue));
  spdlog::set_default_logger(std::move(logger));
}

void stop_logging() {
  spdlog::shutdown();
}

void log_event(log_level level, std::string_view event,
               std::initializer_list<log_field> fields) {
  auto [logger, sink] = find_log(level);
  if (logger == nullptr)
    return;
  auto line =
      format_log_line(sink->how(), level, std::chrono::system_clock::now(),
                      event, {fields.begin(), fields.size()});
  logger->log(to_spdlog(level), spdlog::string_view_t{line});
}

} // namespace model_server
