// Counts the connections of clients.
#include "http/address_counts.hpp"

#include <algorithm>

namespace model_server {

asio::ip::address client_network(const asio::ip::address& address) {
  if (address.is_v4())
    return address;
  auto v6 = address.to_v6();
  if (v6.is_v4_mapped())
    return asio::ip::make_address_v4(asio::ip::v4_mapped, v6);
  if (v6.is_loopback())
    return v6;
  auto bytes = v6.to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), 0);
  return asio::ip::address_v6{bytes};
}

void address_counts::enter(const asio::ip::address& network) {
  std::lock_guard guard{lock_};
  ++counts_[network];
}

void address_counts::leave(const asio::ip::address& network) {
  std::lock_guard guard{lock_};
  auto found = counts_.find(network);
  if (found != counts_.end() && --found->second == 0)
    counts_.erase(found);
}

std::size_t address_counts::of(const asio::ip::address& network) const {
  std::lock_guard guard{lock_};
  auto found = counts_.find(network);
  return found == counts_.end() ? 0 : found->second;
}

} // namespace model_server
