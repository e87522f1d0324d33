// Whether the settings of the HTTP door are safe to use.
#pragma once

#include "config/settings.hpp"

namespace model_server {

/// Throws `config_error` if strangers could use the server without a key and
/// nobody has asked for that, or if TLS is given in part.
void check_access(const settings& config);

} // namespace model_server
