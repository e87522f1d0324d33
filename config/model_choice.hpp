// Which models to start with, and where: --model and --device.
#pragma once

#include "config/option_values.hpp"
#include "config/settings.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace model_server {

/// Length limit of a device's name, in bytes.
inline constexpr std::size_t max_device_name_bytes = 128;

/// One `--model`, with the devices that follow it.
struct model_choice {
  std::string name;
  std::vector<std::string> devices;
  /// Where the name was given, for errors.
  std::string source;
};

/// Throws `config_error` for what cannot be a device. Whether it is there is
/// for those to say who know the devices.
void check_device(const given_value& given);

/// Writes the choices into `start_devices` of the models. Throws `config_error`
/// for a model that is not among them, or a device given twice.
void choose_devices(std::vector<model_setting>& models,
                    const std::vector<model_choice>& choices);

} // namespace model_server
