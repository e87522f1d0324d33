// Whose connections count together.
#include "http/address_counts.hpp"

#include <gtest/gtest.h>

namespace model_server {
namespace {

std::string network_of(const char* address) {
  return client_network(asio::ip::make_address(address)).to_string();
}

TEST(address_counts_test, takes_a_network_of_ipv6_for_one_client) {
  EXPECT_EQ(network_of("10.1.2.3"), "10.1.2.3");
  EXPECT_EQ(network_of("::ffff:10.1.2.3"), "10.1.2.3");
  EXPECT_EQ(network_of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
  EXPECT_EQ(network_of("2001:db8:1:2::9"), "2001:db8:1:2::");
  EXPECT_EQ(network_of("::1"), "::1");
}

TEST(address_counts_test, counts_in_and_out) {
  address_counts counts;
  auto one = asio::ip::make_address("10.0.0.1");
  auto other = asio::ip::make_address("10.0.0.2");
  counts.enter(one);
  counts.enter(one);
  counts.enter(other);
  EXPECT_EQ(counts.of(one), 2u);
  EXPECT_EQ(counts.of(other), 1u);
  counts.leave(one);
  counts.leave(one);
  EXPECT_EQ(counts.of(one), 0u);
  EXPECT_EQ(counts.of(other), 1u);
}

} // namespace
} // namespace model_server
