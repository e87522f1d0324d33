// What `model_api list` does.
#pragma once

#include "config/list_options.hpp"

namespace model_server {

/// Gives the exit status. Throws `std::runtime_error`, a sentence for the user.
int list_models(const list_options& options);

} // namespace model_server
