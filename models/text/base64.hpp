// Bytes that a file holds as letters.
#pragma once

#include <string>
#include <string_view>

namespace model_server {

/// The bytes that base64 `text` stands for. Throws `std::runtime_error` if it
/// isn't that.
std::string read_base64(std::string_view text);

} // namespace model_server
