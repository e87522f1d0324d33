// Draws the progress of a download.
#include "http/client/hub/pull_progress.hpp"

#include "http/client/byte_text.hpp"
#include "http/client/output.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include <sys/ioctl.h>
#include <unistd.h>

namespace model_server {

namespace {

constexpr std::size_t usual_columns = 80;
constexpr std::chrono::milliseconds between_drawings{100};
// What came earlier than that says nothing about the speed.
constexpr double settled_seconds = 2;

std::size_t columns_of_terminal() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
    return usual_columns;
  return size.ws_col;
}

double share_of(const pull_state& state) {
  if (state.total == 0)
    return 1;
  return static_cast<double>(state.done) / static_cast<double>(state.total);
}

std::string show_time(double seconds) {
  if (seconds < 100)
    return fmt::format("{:.0f} s", seconds);
  if (seconds < 6000)
    return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

} // namespace

std::string progress_line(const pull_state& state, std::size_t columns) {
  constexpr std::size_t widest_bar = 30;
  constexpr std::size_t shortest_bar = 5;
  auto figures = fmt::format(" {:3.0f} %  {} of {}", share_of(state) * 100,
                             show_bytes(state.done), show_bytes(state.total));
  if (state.bytes_per_second >= 1) {
    auto left = static_cast<double>(state.total - state.done);
    figures += fmt::format(
        "  {}/s  {}",
        show_bytes(static_cast<std::uint64_t>(state.bytes_per_second)),
        show_time(left / state.bytes_per_second));
  }
  auto room = columns > figures.size() ? columns - figures.size() : 0;
  std::string line;
  if (room >= shortest_bar + 2) {
    auto width = std::min(room - 2, widest_bar);
    auto filled =
        static_cast<std::size_t>(share_of(state) * static_cast<double>(width));
    line = fmt::format("[{:#<{}}{:.<{}}]", "", filled, "", width - filled);
    room -= width + 2;
  }
  line += figures;
  if (room > state.file.size() + 1)
    line += "  " + state.file;
  return line.substr(0, columns);
}

pull_progress::pull_progress(std::uint64_t total, std::uint64_t done)
    : is_terminal_(::isatty(STDERR_FILENO) != 0) {
  state_.total = total;
  state_.done = done;
  tenths_ = static_cast<std::uint64_t>(share_of(state_) * 10);
}

pull_progress::~pull_progress() {
  clear();
}

void pull_progress::begin(const std::string& file) {
  state_.file = file;
}

void pull_progress::add(std::uint64_t bytes) {
  state_.done += bytes;
  fetched_ += bytes;
  auto now = clock::now();
  auto seconds = std::chrono::duration<double>(now - begun_).count();
  if (seconds >= settled_seconds)
    state_.bytes_per_second = static_cast<double>(fetched_) / seconds;
  auto tenths = static_cast<std::uint64_t>(share_of(state_) * 10);
  if (is_terminal_ && now - drawn_ >= between_drawings) {
    drawn_ = now;
    draw();
  } else if (!is_terminal_ && tenths > tenths_) {
    complain(fmt::format("{} of {}", show_bytes(state_.done),
                         show_bytes(state_.total)));
  }
  tenths_ = tenths;
}

void pull_progress::lose(std::uint64_t bytes) {
  state_.done -= std::min(bytes, state_.done);
}

void pull_progress::end() {
  if (!is_terminal_)
    complain(fmt::format("{} is there", state_.file));
}

void pull_progress::tell(const std::string& text) {
  clear();
  complain(text);
}

void pull_progress::draw() {
  // The last column would make some terminals begin a new line.
  fmt::print(stderr, "\r\033[K{}",
             progress_line(state_, columns_of_terminal() - 1));
  std::fflush(stderr);
  is_drawn_ = true;
}

void pull_progress::clear() {
  if (!is_drawn_)
    return;
  fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
  is_drawn_ = false;
}

} // namespace model_server
