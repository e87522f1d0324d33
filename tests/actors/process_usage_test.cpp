// What /proc says, from files that say something known.
#include "actors/process_usage.hpp"

#include "tests/models/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include <unistd.h>

namespace model_server {
namespace {

TEST(process_usage_test, reads_the_fields_behind_any_name) {
  testing::temporary_folder root;
  auto folder = root.path() / "proc/self/fd";
  std::filesystem::create_directories(folder);
  for (const auto* name : {"0", "1", "2"})
    std::ofstream{folder / name};
  std::ofstream{root.path() / "proc/stat"} << "cpu 1 2 3\nbtime 1000\n";
  auto ticks = ::sysconf(_SC_CLK_TCK);
  std::ofstream{root.path() / "proc/self/stat"}
      << "7 (a) b) c) S 1 7 7 0 -1 4194304 10 0 0 0 " << 3 * ticks << ' '
      << ticks << " 0 0 20 0 5 0 " << 50 * ticks << " 65536 10 184467\n";
  std::ofstream{root.path() / "proc/self/statm"} << "16 10 3 1 0 5 0\n";
  auto seen = read_process_usage(root.path());
  auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  EXPECT_EQ(seen.cpu_seconds, 4);
  EXPECT_EQ(seen.start_seconds, 1050);
  EXPECT_EQ(seen.virtual_bytes, 65536u);
  EXPECT_EQ(seen.resident_bytes, 10 * page);
  EXPECT_EQ(seen.open_descriptors, 3u);
  EXPECT_EQ(resident_bytes(root.path()), 10 * page);
}

TEST(process_usage_test, says_nothing_where_nothing_is_said) {
  testing::temporary_folder root;
  auto seen = read_process_usage(root.path());
  EXPECT_EQ(seen.resident_bytes, 0u);
  EXPECT_EQ(seen.cpu_seconds, 0);
  EXPECT_EQ(resident_bytes(root.path()), 0u);
}

TEST(process_usage_test, reads_this_process) {
  auto seen = read_process_usage();
  EXPECT_GT(seen.resident_bytes, 1'000'000u);
  EXPECT_GT(seen.open_descriptors, 2u);
  EXPECT_GT(seen.start_seconds, 1.6e9);
}

} // namespace
} // namespace model_server
