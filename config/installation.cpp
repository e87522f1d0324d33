// Tells an installed program from one that was just built.
#include "config/installation.hpp"

#include <system_error>
#include <utility>

namespace model_server {

namespace fs = std::filesystem;

std::optional<installation> find_installation(const fs::path& program,
                                              const fs::path& root) {
  auto prefix = program.parent_path().parent_path();
  auto shipped = prefix / "share" / "model-server";
  std::error_code ignored;
  if (!fs::is_directory(shipped, ignored))
    return std::nullopt;
  return installation{std::move(shipped), root / "etc/model-server",
                      root / "var/lib/model-server"};
}

} // namespace model_server
