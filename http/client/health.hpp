// Asks a server how it is, as `model_api health` does.
#pragma once

#include <string>

namespace model_server {

/// Empty if the address answers with status 200 within some seconds, else why
/// not, for people.
std::string check_health(const std::string& url);

} // namespace model_server
