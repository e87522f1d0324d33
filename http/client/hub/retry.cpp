// Waits, and gives up in the end.
#include "http/client/hub/retry.hpp"

#include "http/client/hub/resume.hpp"

#include <fmt/format.h>

#include <chrono>
#include <stdexcept>
#include <utility>

#include <poll.h>

namespace model_server {

retry_counter::retry_counter(unsigned most, const interrupt_watch& watch,
                             std::function<void(const std::string&)> tell)
    : most_(most), watch_(watch), tell_(std::move(tell)) {
  // nop
}

void retry_counter::pause(const std::string& why, const http_head& head) {
  if (++failures_ > most_)
    throw std::runtime_error(why);
  auto length = retry_pause(failures_, head);
  tell_(fmt::format("{}; trying again in {} s", why, length.count()));
  pollfd watched{watch_.descriptor(), POLLIN, 0};
  using std::chrono::milliseconds;
  ::poll(&watched, 1, static_cast<int>(milliseconds{length}.count()));
  if (watch_.is_set())
    throw interrupted{};
}

} // namespace model_server
