// Tests what the system's files say of free memory.
#include "tests/models/temporary_folder.hpp"

#include "models/free_memory.hpp"

#include <gtest/gtest.h>

using namespace model_server;
using namespace model_server::testing;

namespace {

class free_memory_test : public ::testing::Test {
protected:
  void write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((root.path() / name).parent_path());
    root.write(name, text);
  }

  std::optional<std::size_t> answer() const {
    return free_memory(root.path());
  }

  temporary_folder root;
};

constexpr auto a_million = "MemTotal:  9999 kB\nMemFree: 3 kB\n"
                           "MemAvailable:    1000 kB\n";

} // namespace

TEST_F(free_memory_test, is_what_the_machine_has_available) {
  EXPECT_EQ(answer(), std::nullopt);
  write("proc/meminfo", a_million);
  EXPECT_EQ(answer(), 1'024'000u);
}

TEST_F(free_memory_test, is_less_in_a_group_with_a_limit) {
  write("proc/meminfo", a_million);
  write("proc/self/cgroup", "0::/outer/inner\n");
  write("sys/fs/cgroup/outer/inner/memory.max", "max\n");
  write("sys/fs/cgroup/outer/inner/memory.current", "5000\n");
  EXPECT_EQ(answer(), 1'024'000u);
  write("sys/fs/cgroup/outer/memory.max", "9000\n");
  write("sys/fs/cgroup/outer/memory.current", "5000\n");
  EXPECT_EQ(answer(), 4000u);
  // Pages of files can go.
  write("sys/fs/cgroup/outer/memory.stat", "anon 1\ninactive_file 3000\n");
  EXPECT_EQ(answer(), 7000u);
  write("sys/fs/cgroup/outer/memory.current", "50000\n");
  EXPECT_EQ(answer(), 0u);
}

TEST_F(free_memory_test, could_be_more_without_the_files_that_are_read_now) {
  write("proc/meminfo", a_million);
  write("proc/self/cgroup", "0::/group\n");
  write("sys/fs/cgroup/group/memory.max", "9000\n");
  write("sys/fs/cgroup/group/memory.current", "8000\n");
  write("sys/fs/cgroup/group/memory.stat",
        "anon 1\ninactive_file 3000\nactive_file 2000\n");
  EXPECT_EQ(answer(), 4000u);
  EXPECT_EQ(spare_memory(root.path()), 6000u);
}

TEST_F(free_memory_test, is_that_of_the_container_where_no_group_is_seen) {
  write("proc/meminfo", a_million);
  write("proc/self/cgroup", "0::/../elsewhere\n");
  write("sys/fs/cgroup/memory.max", "9000\n");
  write("sys/fs/cgroup/memory.current", "5000\n");
  EXPECT_EQ(answer(), 4000u);
}

TEST_F(free_memory_test, reads_groups_of_version_1) {
  write("proc/meminfo", a_million);
  write("proc/self/cgroup", "7:cpu,cpuacct:/x\n5:memory:/box\n");
  write("sys/fs/cgroup/memory/box/memory.limit_in_bytes", "9000\n");
  write("sys/fs/cgroup/memory/box/memory.usage_in_bytes", "5000\n");
  EXPECT_EQ(answer(), 4000u);
}

TEST_F(free_memory_test, all_there_is_ends_at_the_limit_of_a_group) {
  EXPECT_EQ(total_memory(root.path()), std::nullopt);
  write("proc/meminfo", a_million);
  EXPECT_EQ(total_memory(root.path()), 9999u * 1024);
  write("proc/self/cgroup", "0::/outer/inner\n");
  write("sys/fs/cgroup/outer/inner/memory.max", "max\n");
  EXPECT_EQ(total_memory(root.path()), 9999u * 1024);
  write("sys/fs/cgroup/outer/memory.max", "9000\n");
  EXPECT_EQ(total_memory(root.path()), 9000u);
}

TEST_F(free_memory_test, this_machine_answers) {
  EXPECT_GT(free_memory().value_or(0), 0u);
  EXPECT_GE(total_memory().value_or(0), free_memory().value_or(0));
}
