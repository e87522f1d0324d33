// One datagram to the service manager.
#include "config/service_manager.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace model_server {

void tell_service_manager(std::string_view notice) {
  const auto* name = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  auto size = name == nullptr ? 0 : std::strlen(name);
  if (size < 2 || size >= sizeof address.sun_path)
    return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, name, size);
  if (name[0] == '@') // a name that is no file
    address.sun_path[0] = '\0';
  auto sender = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (sender < 0)
    return;
  ::sendto(sender, notice.data(), notice.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
           reinterpret_cast<const sockaddr*>(&address),
           static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size));
  ::close(sender);
}

} // namespace model_server
