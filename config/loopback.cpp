// Which addresses only this machine reaches.
#include "config/loopback.hpp"

#include <arpa/inet.h>

#include <string>

namespace model_server {

bool is_loopback(std::string_view host) {
  if (host == "localhost")
    return true;
  std::string text{host};
  if (in_addr v4{}; inet_pton(AF_INET, text.c_str(), &v4) == 1)
    return (ntohl(v4.s_addr) >> 24) == IN_LOOPBACKNET;
  in6_addr v6{};
  return inet_pton(AF_INET6, text.c_str(), &v6) == 1
         && (IN6_IS_ADDR_LOOPBACK(&v6)
             || (IN6_IS_ADDR_V4MAPPED(&v6)
                 && v6.s6_addr[12] == IN_LOOPBACKNET));
}

} // namespace model_server
