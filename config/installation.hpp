// Where an installed program finds what belongs to it.
#pragma once

#include <filesystem>
#include <optional>

namespace model_server {

struct installation {
  /// What came with the program, `PREFIX/share/model-server`.
  std::filesystem::path shipped;
  /// The machine's own settings, `/etc/model-server`; may not be there.
  std::filesystem::path settings;
  /// What the machine adds, `/var/lib/model-server`; may not be there.
  std::filesystem::path state;
};

/// Nothing for a program that lies where it was built. `root` is `/` but in
/// tests.
std::optional<installation>
find_installation(const std::filesystem::path& program,
                  const std::filesystem::path& root);

} // namespace model_server
