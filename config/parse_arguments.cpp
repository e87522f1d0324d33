// Says in our words what CLI11 does not take.
#include "config/parse_arguments.hpp"

#include "config/entry_params.hpp"

#include <fmt/format.h>

#include <string_view>

namespace model_server {

void parse_arguments(CLI::App& app, int argc, const char* const* argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ArgumentMismatch& problem) {
    std::string_view name = problem.what();
    throw config_error(
        fmt::format("{} needs a value", name.substr(0, name.find(':'))));
  } catch (const CLI::ParseError& problem) {
    throw config_error(problem.what());
  }
}

} // namespace model_server
