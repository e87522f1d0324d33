// Which addresses only this machine reaches.
#pragma once

#include <string_view>

namespace model_server {

/// True for `localhost`, 127.0.0.0/8 and ::1, also where IPv6 maps the former.
/// False for every other name, and for 0.0.0.0 and ::, which stand for all
/// addresses.
bool is_loopback(std::string_view host);

} // namespace model_server
