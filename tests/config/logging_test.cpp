// The log of a process: order, levels, readers that stall or leave.
#include "config/logging.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <fcntl.h>
#include <string>
#include <unistd.h>

namespace model_server {

namespace {

using ::testing::HasSubstr;

class logging_test : public ::testing::Test {
protected:
  logging_test() {
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  }

  ~logging_test() override {
    stop_logging();
    for (auto end : ends)
      ::close(end);
  }

  // What was written, once the writing end is closed.
  std::string read_all() {
    ::close(ends[1]);
    std::string result;
    std::array<char, 65536> part{};
    for (;;) {
      auto count = ::read(ends[0], part.data(), part.size());
      if (count <= 0)
        break;
      result.append(part.data(), static_cast<std::size_t>(count));
    }
    ends[1] = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    return result;
  }

  std::array<int, 2> ends{};
};

TEST_F(logging_test, writes_events_in_order_from_the_level_on) {
  start_logging({log_format::json, log_level::info, false}, ends[1]);
  log_event(log_level::debug, "hidden");
  log_event(log_level::info, "first", {{"n", 1}});
  log_event(log_level::error, "second");
  stop_logging();
  auto written = read_all();
  EXPECT_EQ(std::count(written.begin(), written.end(), '\n'), 2);
  EXPECT_THAT(written, HasSubstr("\"event\":\"first\",\"n\":1}\n{\"ts\":"));
  EXPECT_THAT(written,
              HasSubstr("\"level\":\"error\",\"event\":\"second\"}\n"));
}

TEST_F(logging_test, is_silent_before_it_starts_and_after_it_stops) {
  log_event(log_level::error, "before");
  start_logging({}, ends[1]);
  stop_logging();
  log_event(log_level::error, "after");
  EXPECT_EQ(read_all(), "");
}

TEST_F(logging_test, a_stalled_reader_costs_lines_and_never_the_writer) {
  start_logging({}, ends[1]);
  for (int i = 0; i < 20'000; ++i)
    log_event(log_level::info, "flood", {{"n", i}});
  stop_logging(); // comes back although nobody reads
  auto written = read_all();
  EXPECT_GT(written.size(), 0u);
  EXPECT_LE(written.size(), 65'536u); // what a pipe holds
  EXPECT_FALSE(written.ends_with("n=19999\n"));
}

TEST_F(logging_test, counts_the_lines_that_were_lost) {
  start_logging({}, ends[1]);
  // More than the queue and the pipe hold together, so that some are lost.
  for (int i = 0; i < 20'000; ++i)
    log_event(log_level::info, "flood", {{"n", i}});
  std::string written;
  std::array<char, 4096> part{};
  // The reader comes back: the next line tells of the loss.
  while (written.find("log_lines_lost") == written.npos) {
    log_event(log_level::info, "after");
    auto count = ::read(ends[0], part.data(), part.size());
    ASSERT_GT(count, 0);
    written.append(part.data(), static_cast<std::size_t>(count));
  }
  EXPECT_NE(written.find(" warning log_lines_lost lines="), written.npos);
  stop_logging();
}

TEST_F(logging_test, a_reader_that_leaves_does_no_harm) {
  auto usual = std::signal(SIGPIPE, SIG_DFL); // would end the process
  start_logging({}, ends[1]);
  ::close(ends[0]);
  for (int i = 0; i < 100; ++i)
    log_event(log_level::info, "nobody_reads");
  stop_logging();
  std::signal(SIGPIPE, usual);
  ends[0] = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

TEST_F(logging_test, a_full_device_does_no_harm) {
  auto full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(full, 0);
  start_logging({}, full);
  log_event(log_level::info, "no_room");
  stop_logging();
  ::close(full);
}

TEST_F(logging_test, a_closed_descriptor_is_not_given_to_the_next_file) {
  auto closed = ::dup(ends[1]);
  ::close(closed);
  start_logging({}, closed);
  auto opened = ::dup(ends[1]);
  EXPECT_NE(opened, closed);
  log_event(log_level::info, "to_nobody");
  stop_logging();
  ::close(opened);
  ::close(closed);
  EXPECT_EQ(read_all(), "");
}

} // namespace

} // namespace model_server
