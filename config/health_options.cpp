// The command line of `model_api health`.
#include "config/health_options.hpp"

#include "config/option_table.hpp"

#include <fmt/format.h>

namespace model_server {

namespace {

// Where a server listens that takes its options from the same environment.
std::string own_server(const surroundings& around) {
  auto value_of = [&](std::string_view option) {
    auto name = variable_of(option);
    return given_value{name, around.variable(name).value_or("")};
  };
  auto port = value_of("port");
  return fmt::format(
      "{}://127.0.0.1:{}", value_of("tls-cert").text.empty() ? "http" : "https",
      port.text.empty() ? settings{}.http.port : parse_whole(port, 1, 65'535));
}

} // namespace

std::variant<health_options, early_exit>
read_health_options(int argc, const char* const* argv,
                    const surroundings& around) {
  health_options result;
  auto& url = result.server.url;
  subcommand what;
  what.name = "health";
  what.purpose = "Asks a server how it is. Exits with 0 if it can make tokens, "
                 "else with 1 and a line\nthat says why.\n";
  what.usage = "[--url URL]";
  what.arguments = {
      {"--url", "URL",
       "the server; default http://127.0.0.1:PORT, where PORT is\n"
       "MODEL_SERVER_PORT or 9999, and https:// with\n"
       "MODEL_SERVER_TLS_CERT",
       "MODEL_SERVER_URL", [&](auto& given) { url = parse_base_url(given); }},
  };
  if (auto early = read_subcommand(what, argc, argv, around))
    return *early;
  if (url.empty())
    url = own_server(around);
  return result;
}

} // namespace model_server
