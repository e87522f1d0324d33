// Tells an installed program from one that was just built.
#include "config/installation.hpp"

#include <system_error>

namespace model_server {

namespace fs = std::filesystem;

std::optional<installation> find_installation(const fs::path& program,
                                              const fs::path& root) {
  auto shipped = program.parent_path() / "../share/model-server";
  std::error_code ignored;
  if (!fs::is_directory(shipped, ignored))
    return std::nullopt;
  return installation{shipped.lexically_normal(), root / "etc/model-server",
                      root / "var/lib/model-server"};
}

} // namespace model_server
