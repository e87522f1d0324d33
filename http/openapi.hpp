// The description of the routes that ships with the program.
#pragma once

#include <string_view>

namespace model_server {

/// The text of http/openapi.json, as it was when the program was built.
std::string_view openapi_json();

} // namespace model_server
