// Whether the settings of a cluster are safe to use.
#include "config/cluster_check.hpp"

#include "config/loopback.hpp"
#include "config/quote.hpp"

#include <fmt/format.h>

#include <fstream>
#include <string>

namespace model_server {

namespace {

void check_file(const char* option, const std::string& path) {
  if (!path.empty() && !std::ifstream{path})
    throw config_error(
        fmt::format("--{} {} cannot be read", option, quote(path, 128)));
}

void check_reach(const char* option, const cluster_address& address,
                 bool is_proved) {
  if (address && !is_proved && !is_loopback(address.host))
    throw config_error(
        fmt::format("--{} is {}:{}, which other machines can reach: that needs "
                    "--cluster-cert, --cluster-key and --cluster-ca",
                    option, address.host, address.port));
}

} // namespace

void check_cluster(const settings& config, bool names_models) {
  const auto& cluster = config.cluster;
  auto files = !cluster.certificate.empty() + !cluster.key.empty()
               + !cluster.authority.empty();
  if (files != 0 && files != 3)
    throw config_error("--cluster-cert, --cluster-key and --cluster-ca belong "
                       "together: give all three");
  check_file("cluster-cert", cluster.certificate);
  check_file("cluster-key", cluster.key);
  check_file("cluster-ca", cluster.authority);
  check_reach("cluster-listen", cluster.listen, files == 3);
  check_reach("join", cluster.join, files == 3);
  if (cluster.heartbeat_timeout <= cluster.heartbeat_interval)
    throw config_error("--heartbeat-timeout must be longer than "
                       "--heartbeat-interval");
  if (!cluster.join)
    return;
  if (cluster.join.port == 0)
    throw config_error("--join needs a port other than 0");
  if (cluster.listen)
    throw config_error("--join and --cluster-listen exclude each other");
  if (config.serving.workers == isolation::thread)
    throw config_error("--join needs --isolation process");
  if (names_models)
    throw config_error("--model is for the server that is joined, not to be "
                       "used with --join");
  if (config.node_name == settings{}.node_name)
    throw config_error("--join needs --node-name, a name of its own for this "
                       "machine");
}

} // namespace model_server
