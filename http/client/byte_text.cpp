// Writes sizes with the unit that suits.
#include "http/client/byte_text.hpp"

#include <fmt/format.h>

namespace model_server {

std::string show_bytes(std::uint64_t bytes) {
  if (bytes < 1000)
    return fmt::format("{} B", bytes);
  auto value = static_cast<double>(bytes);
  const char* unit = "";
  for (auto larger : {"kB", "MB", "GB", "TB"}) {
    value /= 1000;
    unit = larger;
    if (value < 999.95)
      break;
  }
  return fmt::format("{:.1f} {}", value, unit);
}

} // namespace model_server
