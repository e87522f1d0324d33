// What a model may be called, in config.json, on the command line, in a URL.
#pragma once

#include <cstddef>
#include <string_view>

namespace model_server {

/// Length limit of a model name, in bytes.
inline constexpr std::size_t max_model_name_bytes = 128;

/// True for 1 to 128 of `A-Z a-z 0-9 . _ : -`, with `/` between parts, of which
/// none is empty or begins with a dot.
bool is_model_name(std::string_view name);

/// The rule in words, for error sentences: "1 to 128 of ...".
std::string_view model_name_rule();

} // namespace model_server
