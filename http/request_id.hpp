// The names that requests carry in logs, headers and answers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace model_server {

/// True for 1 to 128 of `A-Z a-z 0-9 . _ : -`: what a client may choose.
bool is_request_id(std::string_view text);

/// A fresh request id of ours, 16 hex digits.
std::string new_request_id();

/// A random number below 2^53, which every JSON reader can repeat.
std::uint64_t new_seed();

} // namespace model_server
