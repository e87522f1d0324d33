// A model's setting as config.json would have it.
#pragma once

#include "config/settings.hpp"

#include <string>

namespace model_server {

/// A whole config.json with this model alone; `parse_config` reads the same
/// setting from it, start devices left out.
std::string to_config_json(const model_setting& model);

} // namespace model_server
