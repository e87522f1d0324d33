// Which models there are, by config.json and by the models folder.
#pragma once

#include "config/settings.hpp"
#include "config/surroundings.hpp"

#include <vector>

namespace model_server {

/// The models of config.json, then those of the models folder whose name is not
/// taken. `files` names in the end what was read, so that it is an error if that
/// is not there the next time. Throws `config_error`.
std::vector<model_setting> find_models(model_files& files,
                                       const surroundings& around);

} // namespace model_server
