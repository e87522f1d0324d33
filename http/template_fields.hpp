// What a body gives to the model's chat template beside the messages.
#pragma once

#include "http/json_fields.hpp"

#include <string>

namespace model_server {

/// Reads `chat_template_kwargs`, `documents` and `reasoning_effort`, which the
/// template finds under their own names, as text of a JSON object; empty if
/// there are none. Templates themselves and what decides about the prompt's end
/// are not for clients: such names are refused, and so are nested values.
std::string read_template_arguments(json_fields& body);

} // namespace model_server
