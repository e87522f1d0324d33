// Reads what a request asks of the queue.
#include "http/queue_fields.hpp"

#include <chrono>
#include <cmath>
#include <cstdint>

namespace model_server {

namespace {

constexpr double most_urgent = -1000;
constexpr double least_urgent = 1000;
constexpr double max_timeout_seconds = 7 * 24 * 3600;

std::int32_t read_priority(json_fields& body) {
  auto value = body.number("priority", {most_urgent, least_urgent});
  if (value && std::trunc(*value) != *value)
    body.refuse_type("priority", *body.find("priority"), "a whole number");
  return static_cast<std::int32_t>(value.value_or(0));
}

} // namespace

void read_queue_fields(json_fields& body, chat_request& call) {
  call.n =
      static_cast<std::size_t>(body.integer("n", 1, max_choices).value_or(1));
  call.request.priority = read_priority(body);
  if (auto seconds = body.number(
          "timeout",
          {.least = 0, .most = max_timeout_seconds, .is_open = true}))
    call.timeout = std::chrono::milliseconds{
        static_cast<std::int64_t>(std::ceil(*seconds * 1000))};
}

} // namespace model_server
