// Every option that sets one field, for the command line, the environment and
// --help alike.
#pragma once

#include "config/option_values.hpp"
#include "config/settings.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// What the options say, before files are read.
struct launch_options {
  settings values;
  /// Empty: `config.json` in the working directory, if it is there.
  std::string config_file;
  /// Empty: the first of the usual places that is there.
  std::string models_folder;
};

/// One option of the command line.
struct option_line {
  /// Without the dashes, `max-body-bytes`.
  std::string name;
  /// `BYTES`; empty for an option that may stand without a value.
  std::string placeholder;
  /// For --help; ends without a full stop.
  std::string help;
  /// What is in force without it, and the range, for --help.
  std::string limits;
  /// Parses and stores; throws `config_error`.
  std::function<void(launch_options&, const given_value&)> apply;
};

/// All of them, in the order of --help.
const std::vector<option_line>& option_table();

/// The environment variable of an option: `MODEL_SERVER_MAX_BODY_BYTES`.
std::string variable_of(std::string_view option_name);

} // namespace model_server
