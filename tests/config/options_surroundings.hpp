// Surroundings of a command for its tests.
#pragma once

#include "config/command_line.hpp"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace model_server::testing {

/// A working directory and an environment.
inline surroundings
surroundings_of(std::filesystem::path folder = "/nowhere",
                std::map<std::string, std::string> environment = {}) {
  surroundings result;
  result.working_directory = folder;
  result.program = folder / "bin" / "model_api";
  result.variable = [environment = std::move(environment)](
                        const auto& name) -> std::optional<std::string> {
    auto found = environment.find(name);
    if (found == environment.end())
      return std::nullopt;
    return found->second;
  };
  return result;
}

/// What `read` makes of these arguments behind the command.
template <class Options>
std::variant<Options, early_exit>
read_arguments(std::variant<Options, early_exit> (*read)(int,
                                                         const char* const*,
                                                         const surroundings&),
               std::vector<const char*> arguments,
               const surroundings& around = surroundings_of()) {
  arguments.insert(arguments.begin(), "command");
  return read(static_cast<int>(arguments.size()), arguments.data(), around);
}

} // namespace model_server::testing
