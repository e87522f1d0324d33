// What `model_api pull` does.
#pragma once

#include "config/pull_options.hpp"

namespace model_server {

/// Gives the exit status. Throws `std::runtime_error`, a sentence for the user,
/// and `interrupted`, after which the same call goes on.
int pull(const pull_options& options);

} // namespace model_server
