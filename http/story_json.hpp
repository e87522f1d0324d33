// The story of a request as JSON. Pure.
#pragma once

#include "actors/messages.hpp"

#include <string>

namespace model_server {

/// Words what happened to a request; `stories` has one of each reply, at least
/// one.
std::string story_json(const request_stories& stories);

} // namespace model_server
