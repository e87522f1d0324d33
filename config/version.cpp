// The version, from the build.
#include "config/version.hpp"

namespace model_server {

std::string_view server_version() {
  return MODEL_SERVER_VERSION;
}

} // namespace model_server
