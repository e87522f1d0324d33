// What the process tells the service manager that has started it.
#pragma once

#include <string_view>

namespace model_server {

/// Sends what sd_notify(3) defines, such as `READY=1`, to where NOTIFY_SOCKET
/// says; nothing if no manager wants to know.
void tell_service_manager(std::string_view notice);

} // namespace model_server
