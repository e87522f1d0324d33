// Tests that the pool does every task once, whoever comes late.
#include "models/kernels/thread_pool.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>
#include <vector>

using namespace model_server;

TEST(thread_pool_test, every_task_is_done_once) {
  thread_pool pool{4};
  for (std::size_t count : {0u, 1u, 2u, 3u, 100u, 5000u}) {
    std::vector<std::atomic<int>> done(count);
    pool.run(count, [&](std::size_t i) { ++done[i]; });
    for (auto& times : done)
      ASSERT_EQ(times, 1);
  }
}

TEST(thread_pool_test, every_row_is_in_one_task) {
  thread_pool pool{4};
  for (std::size_t count : {0u, 1u, 8u, 9u, 1000u}) {
    std::vector<std::atomic<int>> done(count);
    pool.run_rows(count, [&](std::size_t begin, std::size_t end) {
      ASSERT_LE(end, count);
      for (auto row = begin; row < end; ++row)
        ++done[row];
    });
    for (auto& times : done)
      ASSERT_EQ(times, 1);
  }
}

TEST(thread_pool_test, a_loop_sees_what_the_one_before_it_wrote) {
  thread_pool pool{2};
  constexpr std::size_t count = 64;
  std::vector<std::uint64_t> values(count), next(count);
  for (std::uint64_t round = 0; round < 20'000; ++round) {
    // Each task reads what another one wrote.
    pool.run(count,
             [&](std::size_t i) { next[i] = values[(i + 7) % count] + 1; });
    std::swap(values, next);
  }
  for (auto value : values)
    ASSERT_EQ(value, 20'000u);
}

TEST(thread_pool_test, threads_that_fell_asleep_are_woken) {
  thread_pool pool{2};
  if (pool.size() < 2)
    GTEST_SKIP() << "this process has one core only";
  for (int round = 0; round < 20; ++round) {
    // Two tasks that can end only together need two threads.
    std::atomic<int> arrived{0};
    pool.run(2, [&](std::size_t) {
      ++arrived;
      while (arrived < 2)
        std::this_thread::yield();
    });
    EXPECT_EQ(arrived, 2);
    // Long enough for the other thread to lie down; right in any case.
    auto until =
        std::chrono::steady_clock::now() + std::chrono::milliseconds{round % 2};
    while (std::chrono::steady_clock::now() < until)
      std::this_thread::yield();
  }
}

TEST(thread_pool_test, there_are_never_more_threads_than_cores) {
  thread_pool many{1000};
  EXPECT_LE(many.size(), static_cast<int>(std::thread::hardware_concurrency()));
  EXPECT_EQ(thread_pool{1}.size(), 1);
  EXPECT_EQ(thread_pool{-5}.size(), 1);
}

TEST(thread_pool_test, pools_come_and_go) {
  for (int i = 0; i < 200; ++i) {
    thread_pool pool{2};
    std::atomic<int> sum{0};
    if (i % 2 == 0)
      pool.run(10, [&](std::size_t x) { sum += static_cast<int>(x); });
    EXPECT_EQ(sum, i % 2 == 0 ? 45 : 0);
  }
}
