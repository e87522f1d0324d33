// Reads the command line and the environment, then the files they lead to.
#include "config/command_line.hpp"

#include "config/access_check.hpp"
#include "config/cluster_check.hpp"
#include "config/help_text.hpp"
#include "config/model_choice.hpp"
#include "config/model_files.hpp"
#include "config/option_table.hpp"
#include "config/parse_arguments.hpp"
#include "config/quote.hpp"
#include "config/version.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace model_server {

namespace {

/// What stands on the command line, not yet understood.
struct arguments {
  bool help = false;
  bool version = false;
  std::vector<model_choice> models;
  /// Values of each option of the table, by its name.
  std::map<std::string, std::vector<std::string>> values;
};

// Each --device belongs to the --model before it.
std::vector<model_choice> pair_devices(const CLI::App& app,
                                       const CLI::Option* model,
                                       const CLI::Option* device) {
  std::vector<model_choice> result;
  std::size_t next_model = 0;
  std::size_t next_device = 0;
  for (const auto* option : app.parse_order()) {
    if (option == model) {
      result.push_back({model->results().at(next_model++), {}, "--model"});
    } else if (option == device) {
      given_value given{"--device", device->results().at(next_device++)};
      check_device(given);
      if (result.empty())
        throw config_error(fmt::format("--device {} stands before any --model; "
                                       "name the model first",
                                       given.text));
      result.back().devices.push_back(given.text);
    }
  }
  return result;
}

arguments split_arguments(int argc, const char* const* argv) {
  arguments result;
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  app.add_flag("-h,--help", result.help);
  app.add_flag("--version", result.version);
  // Values are collected as texts. A device list may be of any length that a
  // command line has; without that limit CLI11 reads [a,b] as a list of its
  // own.
  std::vector<std::string> models;
  std::vector<std::string> devices;
  auto* model = app.add_option("--model", models)->allow_extra_args(false);
  auto* device = app.add_option("--device", devices)
                     ->expected(1, 1 << 20)
                     ->allow_extra_args(false);
  std::map<std::string, CLI::Option*> flags;
  for (const auto& line : option_table()) {
    if (line.placeholder.empty())
      flags[line.name] = app.add_flag("--" + line.name);
    else
      app.add_option("--" + line.name, result.values[line.name])
          ->allow_extra_args(false);
  }
  parse_arguments(app, argc, argv);
  if (auto extras = app.remaining(); !extras.empty() && !result.help)
    throw config_error(fmt::format("{} is no option; --help lists them",
                                   quote(extras[0], 128)));
  for (auto [name, flag] : flags)
    result.values[name] = flag->results();
  result.models = pair_devices(app, model, device);
  return result;
}

std::optional<given_value> look_up(const surroundings& around,
                                   const std::string& variable) {
  auto text = around.variable(variable);
  if (!text || text->empty())
    return std::nullopt;
  return given_value{variable, std::move(*text)};
}

// MODEL_SERVER_MODEL and MODEL_SERVER_DEVICE, one model with its devices.
std::vector<model_choice> models_of_environment(const surroundings& around) {
  auto model = look_up(around, "MODEL_SERVER_MODEL");
  auto devices = look_up(around, "MODEL_SERVER_DEVICE");
  if (!model && devices)
    throw config_error("MODEL_SERVER_DEVICE is set, but MODEL_SERVER_MODEL is "
                       "not; name the model too");
  if (!model)
    return {};
  model_choice result{model->text, {}, model->source};
  if (devices) {
    for (auto& device : split_words(devices->text)) {
      check_device({devices->source, device});
      result.devices.push_back(std::move(device));
    }
  }
  return {std::move(result)};
}

// The one setting that has no option: whoever lists the processes of a machine
// reads their arguments.
constexpr auto key_variable = "MODEL_SERVER_API_KEY";

// One option: the command line, else the environment, else as it is.
void apply_option(launch_options& options, const option_line& line,
                  const std::vector<std::string>& values,
                  const surroundings& around) {
  if (values.size() > 1)
    throw config_error(
        fmt::format("--{} is given {} times", line.name, values.size()));
  if (values.size() == 1) {
    line.apply(options, {"--" + line.name, values.front()});
    return;
  }
  auto given = look_up(around, variable_of(line.name));
  if (!given && line.name == "batch-size")
    given = look_up(around, "BATCH_SIZE");
  if (given)
    line.apply(options, *given);
}

} // namespace

std::variant<settings, early_exit>
load_settings(int argc, const char* const* argv, const surroundings& around) {
  auto given = split_arguments(argc, argv);
  if (given.help)
    return early_exit{help_text()};
  if (given.version)
    return early_exit{fmt::format("model_api {}\n", server_version())};
  launch_options options;
  for (const auto& line : option_table())
    apply_option(options, line, given.values[line.name], around);
  if (options.values.serving.restart_pause
      > options.values.serving.restart_pause_most)
    throw config_error(
        fmt::format("--restart-pause {} is longer than --restart-pause-most {}",
                    show_duration(options.values.serving.restart_pause),
                    show_duration(options.values.serving.restart_pause_most)));
  if (options.values.http.max_body_bytes
      > options.values.http.max_all_body_bytes)
    throw config_error(
        fmt::format("--max-body-bytes {} is more than --max-all-body-bytes {}",
                    options.values.http.max_body_bytes,
                    options.values.http.max_all_body_bytes));
  if (auto key = look_up(around, key_variable))
    options.values.access.keys.from_environment =
        environment_key(key->source, key->text);
  options.values.files = {options.config_file, options.models_folder};
  options.values.models = find_models(options.values.files, around);
  if (given.models.empty())
    given.models = models_of_environment(around);
  check_cluster(options.values, !given.models.empty());
  if (!options.values.cluster.join)
    check_access(options.values);
  choose_devices(options.values.models, given.models);
  return std::move(options.values);
}

} // namespace model_server
