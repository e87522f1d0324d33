// What `model_api chat` does.
#pragma once

#include "config/chat_options.hpp"

namespace model_server {

/// Gives the exit status. Throws `std::runtime_error`, a sentence for the user.
int chat(const chat_options& options);

} // namespace model_server
