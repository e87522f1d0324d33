// Runs the command line in a working directory and an environment of its own.
#pragma once

#include "config/command_line.hpp"

#include "tests/config/config_error_of.hpp"
#include "tests/models/temporary_folder.hpp"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace model_server::testing {

/// A working directory, an environment, and the models `a`, `b` and `org/c`.
class command_line_test : public ::testing::Test {
protected:
  command_line_test() {
    folder.write("config.json",
                 R"({"a": {"name": "echo"}, "b": {"name": "echo"},
                     "org/c": {"name": "echo", "batch_size": 3}})");
  }

  std::variant<settings, early_exit> run(std::vector<std::string> arguments) {
    surroundings around;
    around.variable =
        [this](const std::string& name) -> std::optional<std::string> {
      auto found = environment.find(name);
      if (found == environment.end())
        return std::nullopt;
      return found->second;
    };
    around.working_directory = folder.path();
    around.program = folder.path() / "bin" / "model_api";
    around.root = folder.path();
    around.entries = {"echo"};
    std::vector<const char*> pointers{"model_api"};
    for (const auto& argument : arguments)
      pointers.push_back(argument.c_str());
    return load_settings(static_cast<int>(pointers.size()), pointers.data(),
                         around);
  }

  settings load(std::vector<std::string> arguments) {
    return std::get<settings>(run(std::move(arguments)));
  }

  std::string error_of(std::vector<std::string> arguments) {
    return config_error_of([&] { run(std::move(arguments)); });
  }

  std::vector<std::string> devices_of(const std::string& model,
                                      std::vector<std::string> arguments) {
    for (auto& known : load(std::move(arguments)).models)
      if (known.name == model)
        return known.start_devices;
    return {"no such model"};
  }

  temporary_folder folder;
  std::map<std::string, std::string> environment;
};

} // namespace model_server::testing
