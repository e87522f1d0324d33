// `model_api health`: asks a server how it is.
#pragma once

#include "config/health_options.hpp"

namespace model_server {

/// Exit status 0 if the address answers with status 200 within some seconds.
/// Throws `std::runtime_error`, which says why not.
int ask_health(const health_options& options);

} // namespace model_server
