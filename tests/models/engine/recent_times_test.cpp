#include "models/engine/recent_times.hpp"

#include <gtest/gtest.h>

namespace model_server {
namespace {

TEST(recent_times_test, gives_the_median_of_what_it_knows) {
  recent_times times;
  times.add(3.0);
  EXPECT_EQ(times.median(), 3.0);
  times.add(1.0);
  EXPECT_EQ(times.median(), 3.0); // the longer one
  times.add(2.0);
  EXPECT_EQ(times.median(), 2.0);
  times.add(9.0);
  times.add(8.0);
  EXPECT_EQ(times.median(), 3.0);
  EXPECT_EQ(times.count(), 5u);
}

TEST(recent_times_test, forgets_the_oldest) {
  recent_times times;
  for (auto seconds : {1.0, 1.0, 1.0, 5.0, 6.0, 7.0, 8.0})
    times.add(seconds);
  EXPECT_EQ(times.median(), 6.0); // of 1, 5, 6, 7, 8
  times.clear();
  EXPECT_EQ(times.count(), 0u);
  times.add(4.0);
  EXPECT_EQ(times.median(), 4.0);
}

} // namespace
} // namespace model_server
