// How the processes and machines of one server reach each other.
#include "actors/network.hpp"

#include "actors/tls_links.hpp"

#include <caf/io/middleman.hpp>
#include <caf/openssl/all.hpp>
#include <caf/timespan.hpp>

#include <fmt/format.h>

#include <stdexcept>

namespace model_server {

namespace {

constexpr const char* loopback = "127.0.0.1";

bool has_certificates(const cluster_settings& cluster) {
  return !cluster.certificate.empty();
}

std::uint16_t port_or_throw(caf::expected<std::uint16_t> opened,
                            const std::string& host, std::uint16_t port) {
  if (!opened)
    throw std::runtime_error(
        fmt::format("the address {}:{} cannot be listened on by the cluster: "
                    "{}",
                    host, port, caf::to_string(opened.error())));
  return *opened;
}

} // namespace

void add_network(caf::actor_system_config& config,
                 const cluster_settings& cluster) {
  config.load<caf::io::middleman>();
  if (has_certificates(cluster)) {
    // All three, or CAF encrypts in silence without asking who is there.
    prepare_tls(cluster);
    config.openssl_certificate = cluster.certificate;
    config.openssl_key = cluster.key;
    config.openssl_cafile = cluster.authority;
    config.load<caf::openssl::manager>();
  }
  // Both are off by default.
  config.set("middleman.heartbeat-interval",
             caf::timespan{cluster.heartbeat_interval});
  config.set("middleman.connection-timeout",
             caf::timespan{cluster.heartbeat_timeout});
  config.set("middleman.enable-automatic-connections", false);
}

std::uint16_t open_local_door(const gateway_actor& gateway) {
  auto& middleman = gateway.home_system().middleman();
  return port_or_throw(middleman.publish(gateway, 0, loopback), loopback, 0);
}

std::uint16_t open_cluster_door(const gateway_actor& gateway,
                                const cluster_settings& cluster) {
  const auto& [host, port] = cluster.listen;
  auto& middleman = gateway.home_system().middleman();
  auto opened = has_certificates(cluster)
                    ? caf::openssl::publish(gateway, port, host.c_str(), true)
                    : middleman.publish(gateway, port, host.c_str(), true);
  return port_or_throw(std::move(opened), host, port);
}

caf::expected<gateway_actor> find_local_gateway(caf::actor_system& system,
                                                std::uint16_t port) {
  return system.middleman().remote_actor<gateway_actor>(loopback, port);
}

caf::expected<gateway_actor>
find_cluster_gateway(caf::actor_system& system,
                     const cluster_settings& cluster) {
  const auto& [host, port] = cluster.join;
  if (has_certificates(cluster))
    return caf::openssl::remote_actor<gateway_actor>(system, host, port);
  return system.middleman().remote_actor<gateway_actor>(host, port);
}

} // namespace model_server
