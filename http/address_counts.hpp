// How many connections each client has.
#pragma once

#include <asio/ip/address.hpp>

#include <cstddef>
#include <map>
#include <mutex>

namespace model_server {

/// What a client counts as: its address, or the /64 network of IPv6, of which
/// anybody has all.
asio::ip::address client_network(const asio::ip::address& address);

/// Counts connections by client. Calls may overlap.
class address_counts {
public:
  void enter(const asio::ip::address& network);
  void leave(const asio::ip::address& network);
  std::size_t of(const asio::ip::address& network) const;

private:
  mutable std::mutex lock_;
  // Of those that have any.
  std::map<asio::ip::address, std::size_t> counts_;
};

} // namespace model_server
