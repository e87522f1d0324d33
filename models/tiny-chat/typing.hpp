// Types a question as people do: careless case, marks and letters.
#pragma once

#include "models/tiny-chat/random.hpp"

#include <string>

namespace model_server::tiny_chat {

/// Returns the wording with, now and then, a letter wrong, other case or other
/// marks at its end.
std::string type_carelessly(std::string wording, random_source& random);

} // namespace model_server::tiny_chat
