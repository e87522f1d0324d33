// Ids and seeds.
#include "http/request_id.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace model_server {
namespace {

TEST(request_id_test, takes_what_is_safe_in_logs_and_headers) {
  EXPECT_TRUE(is_request_id("a"));
  EXPECT_TRUE(is_request_id("A-z_0.9:x"));
  EXPECT_TRUE(is_request_id(std::string(128, 'a')));
  EXPECT_FALSE(is_request_id(std::string(129, 'a')));
  for (auto bad : {"", "a b", "a\n", "a/b", "\xC3\xA9", "a\"", "a,b"})
    EXPECT_FALSE(is_request_id(bad)) << bad;
}

TEST(request_id_test, makes_valid_ids_that_differ) {
  std::set<std::string> made;
  for (int i = 0; i < 1000; ++i) {
    auto id = new_request_id();
    EXPECT_TRUE(is_request_id(id)) << id;
    made.insert(id);
  }
  EXPECT_EQ(made.size(), 1000u);
}

TEST(request_id_test, draws_seeds_that_json_can_hold) {
  for (int i = 0; i < 1000; ++i)
    EXPECT_LT(new_seed(), std::uint64_t{1} << 53);
}

} // namespace
} // namespace model_server
