// The command line of `model_api health`.
#include "config/health_options.hpp"

#include "config/option_table.hpp"
#include "config/quote.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace model_server {

namespace {

constexpr const char* help =
    "Asks a server how it is. Exits with 0 if it can make tokens, else with 1 "
    "and a line\nthat says why.\n\n"
    "model_api health [--url URL]\n\n"
    "  --url URL                   default http://127.0.0.1:PORT/health/ready, "
    "where PORT\n"
    "                              is MODEL_SERVER_PORT or 9999\n"
    "  -h, --help                  print this\n";

} // namespace

std::variant<health_options, early_exit>
read_health_options(int argc, const char* const* argv,
                    const surroundings& around) {
  health_options result;
  auto wants_help = false;
  CLI::App app;
  app.set_help_flag();
  app.add_option("--url", result.url)->allow_extra_args(false);
  app.add_flag("-h,--help", wants_help);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    throw config_error(problem.what());
  }
  if (wants_help)
    return early_exit{help};
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
