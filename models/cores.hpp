// How many cores this process has.
#pragma once

namespace model_server {

/// The cores that the process may use, which a container or taskset narrows; at
/// least 1.
int usable_cores();

} // namespace model_server
