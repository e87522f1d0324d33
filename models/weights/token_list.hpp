// Token ids in the settings files of a model.
#pragma once

#include "models/entry.hpp"
#include "models/weights/json_file.hpp"

#include <vector>

namespace model_server {

/// Reads a key that holds one token id or a list of them; empty if absent.
std::vector<token_id> read_token_list(const config_fields& fields,
                                      const char* key);

} // namespace model_server
