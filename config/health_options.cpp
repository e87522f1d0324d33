// The command line of `model_api health`.
#include "config/health_options.hpp"

#include "config/entry_params.hpp"
#include "config/option_table.hpp"
#include "config/quote.hpp"

#include <fmt/format.h>

namespace model_server {

std::variant<health_options, early_exit>
read_health_options(int argc, const char* const* argv,
                    const surroundings& around) {
  health_options result;
  subcommand what;
  what.name = "health";
  what.purpose = "Asks a server how it is. Exits with 0 if it can make tokens, "
                 "else with 1 and a line\nthat says why.\n";
  what.usage = "[--url URL]";
  what.arguments = {
      {"--url", "URL",
       "default http://127.0.0.1:PORT/health/ready, where PORT is\n"
       "MODEL_SERVER_PORT or 9999",
       "", [&](auto& given) { result.url = given.text; }},
  };
  if (auto early = read_subcommand(what, argc, argv, around))
    return *early;
  if (result.url.empty()) {
    auto variable = variable_of("port");
    auto text = around.variable(variable).value_or("");
    auto port = text.empty() ? settings{}.http.port
                             : parse_whole({variable, text}, 1, 65'535);
    result.url = fmt::format("http://127.0.0.1:{}/health/ready", port);
  }
  if (!result.url.starts_with("http://") && !result.url.starts_with("https://"))
    throw config_error(fmt::format("--url is {}, but http:// or https:// is "
                                   "needed",
                                   quote(result.url, 128)));
  return result;
}

} // namespace model_server
