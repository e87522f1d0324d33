// Takes the arguments of a command apart, and writes its help.
#include "config/subcommand.hpp"

#include "config/entry_params.hpp"
#include "config/option_table.hpp"
#include "config/parse_arguments.hpp"

#include <fmt/format.h>

#include <map>

namespace model_server {

namespace {

bool is_by_place(const subcommand_argument& argument) {
  return !argument.name.starts_with('-');
}

std::string help_of(const subcommand& what) {
  auto text = fmt::format("{}\nmodel_api {} {}\n\n", what.purpose, what.name,
                          what.usage);
  auto add = [&](std::string left, std::string_view help) {
    for (;;) {
      auto line = help.substr(0, help.find('\n'));
      text += fmt::format("  {:<28}{}\n", left, line);
      if (line.size() == help.size())
        return;
      help.remove_prefix(line.size() + 1);
      left.clear();
    }
  };
  for (const auto& argument : what.arguments) {
    auto left = argument.name;
    if (!argument.placeholder.empty())
      left += " " + argument.placeholder;
    add(left, argument.help);
    if (!argument.variable.empty())
      add("", fmt::format("[{}]", argument.variable));
  }
  add("-h, --help", "print this");
  if (!what.notes.empty())
    text += "\n" + what.notes;
  return text;
}

} // namespace

std::optional<early_exit> read_subcommand(const subcommand& what, int argc,
                                          const char* const* argv,
                                          const surroundings& around) {
  auto wants_help = false;
  CLI::App app;
  app.set_help_flag();
  app.add_flag("-h,--help", wants_help);
  std::map<std::string, std::vector<std::string>> texts;
  std::map<std::string, std::string> places;
  std::map<std::string, CLI::Option*> found;
  for (const auto& argument : what.arguments) {
    const auto& name = argument.name;
    if (is_by_place(argument))
      found[name] = app.add_option(name, places[name]);
    else if (argument.placeholder.empty())
      found[name] = app.add_flag(name);
    else
      found[name] = app.add_option(name, texts[name])->allow_extra_args(false);
  }
  parse_arguments(app, argc, argv);
  if (wants_help)
    return early_exit{help_of(what)};
  for (const auto& argument : what.arguments) {
    const auto& values = found[argument.name]->results();
    if (values.size() > 1 && !argument.may_repeat)
      throw config_error(
          fmt::format("{} is given {} times", argument.name, values.size()));
    for (const auto& value : values)
      argument.apply({argument.name, value});
    if (!values.empty() || argument.variable.empty())
      continue;
    auto text = around.variable(argument.variable);
    if (text && !text->empty())
      argument.apply({argument.variable, *text});
  }
  return std::nullopt;
}

subcommand_argument models_folder_argument(std::string& folder) {
  return {"--models-dir", "FOLDER",
          "where models are; default models, here or by the program",
          variable_of("models-dir"),
          [&](const given_value& given) { folder = given.text; }};
}

} // namespace model_server
