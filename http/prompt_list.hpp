// Prompts in a body: texts or token ids, one or several. Pure.
#pragma once

#include "actors/messages.hpp"
#include "http/json_fields.hpp"

#include <string_view>
#include <vector>

namespace model_server {

/// Reads a field that must be there: a string, a list of token ids, or a list
/// of several of one of these, at least one. Texts may be empty, lists of ids
/// may not.
std::vector<reply_prompt> read_prompts(json_fields& body,
                                       std::string_view field);

} // namespace model_server
