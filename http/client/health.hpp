// `model_api health`: asks a server how it is.
#pragma once

#include "config/health_options.hpp"

namespace model_server {

/// Exit status 0 if the server can make tokens. Throws `std::runtime_error`,
/// which says why not, or that it doesn't answer within some seconds.
int ask_health(const health_options& options);

} // namespace model_server
