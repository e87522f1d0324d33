// Who may come in: keys, roles, limits, and pages of other origins.
#pragma once

#include "config/settings.hpp"
#include "http/cors.hpp"
#include "http/error_reply.hpp"
#include "http/exchange.hpp"
#include "http/key_usage.hpp"
#include "http/routes.hpp"

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace model_server {

/// What became of a request at the door.
struct access_decision {
  /// Of the key that it came with; null without one.
  std::shared_ptr<key_usage> usage = nullptr;
  /// `usage` counts it as a request in progress.
  bool is_counted = false;
  /// Why it does not come in.
  std::optional<error_reply> refusal = std::nullopt;
};

/// Decides about every request. Calls may overlap.
class access_control {
public:
  using time_point = key_usage::time_point;

  /// Reads the keys. Throws `config_error`.
  access_control(const access_settings& settings, time_point now);

  /// Reads the keys again. What was used of those that stay is not forgotten.
  /// Throws `config_error`, and then nothing has changed.
  void reload_keys(time_point now);

  /// `needs` is what the route asks for.
  access_decision check(const http_request& request, route_access needs,
                        time_point now) const;

  const cors_policy& cors() const {
    return cors_;
  }

private:
  struct known_key {
    api_key key;
    std::shared_ptr<key_usage> usage;
  };
  using key_table = std::vector<known_key>;

  std::shared_ptr<const key_table> keys() const;
  static access_decision check_key(const key_table& keys,
                                   const http_request& request,
                                   route_access needs, time_point now);

  const access_settings settings_;
  const cors_policy cors_;
  mutable std::mutex lock_;
  std::shared_ptr<const key_table> keys_;
};

/// The key in an `Authorization` field; empty if there is none.
std::string_view bearer_key(std::string_view authorization);

/// True if a `Host` field names this machine itself, as seen from itself.
bool is_local_host(std::string_view host);

} // namespace model_server
