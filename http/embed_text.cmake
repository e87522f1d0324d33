# Writes a C++ file that holds a text: cmake -D FROM=... -D TO=... -P this
file(READ "${FROM}" text)
file(WRITE "${TO}" "// Made from openapi.json when the program is built.
#include \"http/openapi.hpp\"

namespace model_server {

std::string_view openapi_json() {
  return R\"embedded(${text})embedded\";
}

} // namespace model_server
")
