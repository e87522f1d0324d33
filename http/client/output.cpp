// Prints, and notices when it cannot.
#include "http/client/output.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace model_server {

void print_now(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()
      || std::fflush(stdout) != 0)
    throw std::system_error(errno, std::generic_category(), "stdout");
}

void complain(std::string_view text) {
  fmt::print(stderr, "model_api: {}\n", text);
}

} // namespace model_server
