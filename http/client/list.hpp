// What `model_api list` does.
#pragma once

#include "config/list_options.hpp"
#include "http/client/model_list.hpp"
#include "http/client/server_link.hpp"

#include <vector>

namespace model_server {

/// As far as the key lets one see: without devices if it may only call. Throws
/// as `server_link` and the readers do.
std::vector<listed_model> models_of(server_link& link);

/// Gives the exit status. Throws `std::runtime_error`, a sentence for the user.
int list_models(const list_options& options);

} // namespace model_server
