// The JSON of the administration below /api/v1, in and out. Pure.
#pragma once

#include "actors/messages.hpp"
#include "http/error_reply.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace model_server {

/// The body of `add`, `remove` and `activate`.
struct device_request {
  /// Empty lets the server choose.
  std::string device;
  bool wait = true;

  friend bool operator==(const device_request&,
                         const device_request&) = default;
};

/// Reads such a body; only `add` knows `wait`.
std::variant<device_request, error_reply>
read_device_request(std::string_view body, bool takes_wait);

/// Checks a body that says nothing: `{}`, or none.
std::optional<error_reply> check_empty_body(std::string_view body);

/// What was asked for; decides what is told of a device.
enum class device_change { add, remove, activate };

std::string device_report_json(device_change what, std::string_view model,
                               const device_report& report);

std::string reload_report_json(const reload_report& report);

std::string status_json(const server_status& status);

} // namespace model_server
