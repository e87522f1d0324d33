// Tests what is believed of passes from those that were seen.
#include "models/engine/row_costs.hpp"

#include <gtest/gtest.h>

using namespace model_server;

namespace {

void take(row_costs& costs, std::size_t rows, double seconds, int times = 3) {
  for (int i = 0; i < times; ++i)
    costs.took(rows, seconds);
}

} // namespace

TEST(row_costs_test, is_sure_of_what_it_saw_a_few_times_of_late) {
  row_costs costs;
  EXPECT_FALSE(costs.is_sure(1));
  take(costs, 1, 1.0, 2);
  EXPECT_FALSE(costs.is_sure(1));
  take(costs, 1, 1.0, 1);
  EXPECT_TRUE(costs.is_sure(1));
  EXPECT_FALSE(costs.is_sure(2));
  take(costs, 2, 1.0, row_costs::passes_remembered);
  EXPECT_FALSE(costs.is_sure(1));
  EXPECT_TRUE(costs.is_sure(2));
  costs.forget();
  EXPECT_FALSE(costs.is_sure(2));
}

TEST(row_costs_test, knows_nothing_of_many_rows) {
  row_costs costs;
  take(costs, row_costs::most_rows + 1, 1.0);
  take(costs, 0, 1.0);
  EXPECT_FALSE(costs.is_sure(row_costs::most_rows + 1));
  EXPECT_FALSE(costs.is_sure(0));
}

TEST(row_costs_test, believes_that_rows_it_never_saw_cost_half_their_share) {
  row_costs costs;
  take(costs, 1, 1.0);
  take(costs, 16, 8.0);
  EXPECT_DOUBLE_EQ(costs.seconds(1, 1), 1.0);
  EXPECT_DOUBLE_EQ(costs.seconds(18, 16), 8.5);
  row_costs others;
  take(others, 1, 1.0);
  EXPECT_DOUBLE_EQ(others.seconds(3, 1), 1.5);
}

TEST(row_costs_test, draws_lines_between_what_it_knows) {
  row_costs costs;
  take(costs, 1, 1.0);
  take(costs, 5, 1.4);
  EXPECT_DOUBLE_EQ(costs.seconds(3, 1), 1.2);
  EXPECT_DOUBLE_EQ(costs.seconds(5, 1), 1.4);
}

TEST(row_costs_test, one_time_decides_nothing) {
  row_costs costs;
  take(costs, 1, 1.0);
  costs.took(2, 50.0); // somebody else had the core
  EXPECT_DOUBLE_EQ(costs.seconds(2, 1), 1.25);
  take(costs, 2, 1.1);
  EXPECT_DOUBLE_EQ(costs.seconds(2, 1), 1.1);
  costs.took(1, 90.0);
  EXPECT_DOUBLE_EQ(costs.seconds(1, 1), 1.0);
}

TEST(row_costs_test, more_rows_never_take_less) {
  row_costs costs;
  take(costs, 1, 1.0);
  take(costs, 2, 0.5);
  EXPECT_DOUBLE_EQ(costs.seconds(2, 1), 1.0);
}
