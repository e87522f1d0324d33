// What a worker's process is told when it starts.
#include "actors/worker_launch.hpp"

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <vector>

#include <unistd.h>

namespace model_server {

namespace {

constexpr std::uint32_t most_bytes = 64 << 20;

// All fields in one order, for writing and for reading.
template <class Archive, class Launch>
caf::error pass(Archive& archive, Launch& x) {
  auto interval =
      static_cast<std::int64_t>(x.cluster.heartbeat_interval.count());
  auto timeout = static_cast<std::int64_t>(x.cluster.heartbeat_timeout.count());
  auto format = static_cast<std::uint8_t>(x.log.format);
  auto level = static_cast<std::uint8_t>(x.log.level);
  auto error = archive(
      x.order, x.local_port, x.cluster.join.host, x.cluster.join.port,
      x.cluster.certificate, x.cluster.key, x.cluster.authority, x.model_json,
      x.cores, interval, timeout, format, level, x.log.contents);
  if constexpr (!std::is_const_v<Launch>) {
    x.cluster.heartbeat_interval = std::chrono::milliseconds{interval};
    x.cluster.heartbeat_timeout = std::chrono::milliseconds{timeout};
    x.log.format = static_cast<log_format>(format);
    x.log.level = static_cast<log_level>(level);
  }
  return error;
}

void read_all(int from, char* to, std::size_t size) {
  while (size > 0) {
    auto done = ::read(from, to, size);
    if (done < 0 && errno == EINTR)
      continue;
    if (done <= 0)
      throw std::runtime_error("the orders of this process end early");
    to += done;
    size -= static_cast<std::size_t>(done);
  }
}

} // namespace

std::string to_bytes(const worker_launch& launch) {
  std::vector<char> body;
  caf::binary_serializer archive{nullptr, body};
  auto copy = launch; // CAF's archives take fields by reference
  if (pass(archive, copy))
    throw std::runtime_error("the orders of a process cannot be written");
  auto size = static_cast<std::uint32_t>(body.size());
  std::string result(sizeof(size), '\0');
  std::memcpy(result.data(), &size, sizeof(size));
  result.append(body.begin(), body.end());
  return result;
}

worker_launch read_launch(int descriptor) {
  std::uint32_t size = 0;
  read_all(descriptor, reinterpret_cast<char*>(&size), sizeof(size));
  if (size > most_bytes)
    throw std::runtime_error("these are no orders of this program");
  std::vector<char> body(size);
  read_all(descriptor, body.data(), size);
  caf::binary_deserializer archive{nullptr, body};
  worker_launch result;
  if (pass(archive, result))
    throw std::runtime_error("these are no orders of this version");
  return result;
}

} // namespace model_server
