// A machine that gives its devices to another machine's server.
#pragma once

#include "config/settings.hpp"

#include <caf/actor_system.hpp>

#include <memory>

namespace model_server {

/// Keeps this machine in the cluster: joins the front of the settings, tells it
/// from time to time what there is, and joins again when the front was out of
/// reach. Without a front its workers end, because their replies have gone on
/// elsewhere by then.
class cluster_member {
public:
  /// Begins at once, on a thread of its own. The system must outlive it.
  cluster_member(caf::actor_system& system, const settings& config);

  /// Reads config.json and the models folder again, and tells the front what
  /// there is then; a file that cannot be used changes nothing. Workers that
  /// run go on as they were started. Logs what came of it.
  void reload();

  /// Leaves; its workers end.
  ~cluster_member();

private:
  struct shared;
  std::unique_ptr<shared> shared_;
};

} // namespace model_server
