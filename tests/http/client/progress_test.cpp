// Sizes and progress as people read them.
#include "http/client/byte_text.hpp"
#include "http/client/hub/pull_progress.hpp"

#include <gtest/gtest.h>

namespace model_server {
namespace {

TEST(byte_text_test, chooses_the_unit) {
  EXPECT_EQ(show_bytes(0), "0 B");
  EXPECT_EQ(show_bytes(999), "999 B");
  EXPECT_EQ(show_bytes(1000), "1.0 kB");
  EXPECT_EQ(show_bytes(999'940), "999.9 kB");
  EXPECT_EQ(show_bytes(999'960), "1.0 MB");
  EXPECT_EQ(show_bytes(14'500'000'000), "14.5 GB");
  EXPECT_EQ(show_bytes(18'446'744'073'709'551'615U), "18446744.1 TB");
}

TEST(progress_test, shows_bar_figures_and_file) {
  pull_state state{"model.safetensors", 2'500'000'000, 10'000'000'000,
                   50'000'000};
  EXPECT_EQ(progress_line(state, 100),
            "[#######.......................]  25 %  2.5 GB of 10.0 GB  50.0 "
            "MB/s  2 min  model.safetensors");
}

TEST(progress_test, fits_any_width) {
  pull_state state{"model.safetensors", 2'500'000'000, 10'000'000'000,
                   50'000'000};
  for (std::size_t columns = 0; columns < 200; ++columns)
    EXPECT_LE(progress_line(state, columns).size(), columns);
}

TEST(progress_test, has_nothing_to_divide_by_at_both_ends) {
  EXPECT_EQ(progress_line({"f", 0, 0, 0}, 60),
            "[##############################] 100 %  0 B of 0 B  f");
  EXPECT_EQ(progress_line({"f", 0, 10, 0}, 60),
            "[..............................]   0 %  0 B of 10 B  f");
}

} // namespace
} // namespace model_server
