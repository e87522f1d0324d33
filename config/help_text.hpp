// What --help prints.
#pragma once

#include <string>

namespace model_server {

/// Every option with its meaning, range, default and environment variable.
std::string help_text();

} // namespace model_server
