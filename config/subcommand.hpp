// The arguments of a command beside serving, such as `model_api pull`.
#pragma once

#include "config/command_line.hpp"
#include "config/option_values.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace model_server {

/// One argument: an option, or a value by its place.
struct subcommand_argument {
  /// `--to`; a value by its place has no dashes: `FOLDER`.
  std::string name;
  /// `FORMAT`; empty for a flag, which is given the text `true`, and for a
  /// value by its place.
  std::string placeholder;
  /// For --help, which breaks lines where this does; ends without a full stop.
  std::string help;
  /// The environment variable that counts where the option is not given; may be
  /// empty.
  std::string variable;
  /// Parses and stores; throws `config_error`.
  std::function<void(const given_value&)> apply;
  /// Applied once for each time it is given.
  bool may_repeat = false;
};

/// A command, as its help tells it.
struct subcommand {
  /// `pull`.
  std::string name;
  /// What it does, whole lines.
  std::string purpose;
  /// Behind the name of the program and its own.
  std::string usage;
  std::vector<subcommand_argument> arguments;
  /// Whole lines for the end of the help; may be empty.
  std::string notes;
};

/// Applies what is given, in the order of the table. Gives the help in place of
/// that if it is asked for. `argv[0]` is the command. Throws `config_error`,
/// one sentence.
std::optional<early_exit> read_subcommand(const subcommand& what, int argc,
                                          const char* const* argv,
                                          const surroundings& around);

/// `--models-dir`, as the server has it.
subcommand_argument models_folder_argument(std::string& folder);

} // namespace model_server
