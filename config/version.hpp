// The version of the program.
#pragma once

#include <string_view>

namespace model_server {

/// As CMakeLists.txt has it, `0.1.0`.
std::string_view server_version();

} // namespace model_server
