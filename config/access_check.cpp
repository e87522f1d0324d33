// Whether the settings of the HTTP door are safe to use.
#include "config/access_check.hpp"

#include "config/loopback.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace model_server {

namespace {

constexpr auto ways_out =
    "give API keys with --api-key-file or the variable MODEL_SERVER_API_KEY, "
    "or ask for a server that is open to all with --allow-no-key";

} // namespace

void check_access(const settings& config) {
  const auto& http = config.http;
  const auto& access = config.access;
  if (http.tls_certificate.empty() != http.tls_key.empty())
    throw config_error("--tls-cert and --tls-key belong together: give both");
  if (access.keys.are_there() || access.allows_no_key)
    return;
  if (!is_loopback(http.address))
    throw config_error(
        fmt::format("--address is {}, which other machines can reach: {}",
                    http.address, ways_out));
  if (std::ranges::find(access.cors_origins, "*") != access.cors_origins.end())
    throw config_error(
        fmt::format("--cors-origins is *, so that any web page could use the "
                    "server: {}",
                    ways_out));
}

} // namespace model_server
