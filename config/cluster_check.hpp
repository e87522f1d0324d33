// Whether the settings of a cluster are safe to use.
#pragma once

#include "config/settings.hpp"

namespace model_server {

/// Throws `config_error` if others could reach a port that takes whoever
/// connects at his word, if certificates are given in part or cannot be read,
/// or if a machine is both a front and a part of another.
void check_cluster(const settings& config, bool names_models);

} // namespace model_server
