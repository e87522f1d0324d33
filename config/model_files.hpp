// Which models there are, by config.json and by the models folder.
#pragma once

#include "config/settings.hpp"
#include "config/surroundings.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace model_server {

/// The folder that an option names, or those where models usually are; empty if
/// none is there. What an earlier one has counts. Throws `config_error`.
std::vector<std::filesystem::path>
models_folders(const std::string& given, const surroundings& around);

/// The models of config.json, then those of the models folders whose name is not
/// taken. `files` names in the end what was read, so that it is an error if that
/// is not there the next time. Throws `config_error`.
std::vector<model_setting> find_models(model_files& files,
                                       const surroundings& around);

} // namespace model_server
