// Reads one byte more than allowed: the size that a file claims may change.
#include "config/small_file.hpp"

#include "config/entry_params.hpp"

#include <fmt/format.h>

#include <fstream>

namespace model_server {

std::string read_small_file(const std::filesystem::path& path,
                            std::string_view shown, std::size_t max_bytes) {
  std::ifstream in{path, std::ios::binary};
  if (!in)
    throw config_error(fmt::format("{} cannot be opened", shown));
  std::string text(max_bytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad())
    throw config_error(fmt::format("{} cannot be read", shown));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > max_bytes)
    throw config_error(
        fmt::format("{} is larger than {} bytes", shown, max_bytes));
  return text;
}

} // namespace model_server
