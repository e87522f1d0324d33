// Makes the messages known to CAF, so that they can travel between processes.
#pragma once

#include <caf/actor_system_config.hpp>

namespace model_server {

/// Registers every message and our error category. `main` and each test that
/// makes an `actor_system` call it first.
void add_message_types(caf::actor_system_config& config);

} // namespace model_server
