// Puts the devices of the command line to the models they are for.
#include "config/model_choice.hpp"

#include "config/model_name.hpp"
#include "config/quote.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace model_server {

namespace {

std::string known_models(const std::vector<model_setting>& models) {
  constexpr std::size_t most = 20;
  if (models.empty())
    return "none is known; name it in config.json or put its folder into the "
           "models folder";
  std::string result = "known are ";
  for (std::size_t i = 0; i < std::min(models.size(), most); ++i)
    (result += i == 0 ? "" : ", ") += models[i].name;
  if (models.size() > most)
    result += fmt::format(" and {} more", models.size() - most);
  return result;
}

} // namespace

void check_device(const given_value& given) {
  auto is_alphanumeric = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9');
  };
  auto is_allowed = [&](char c) {
    return is_alphanumeric(c)
           || std::string_view{":._-/"}.find(c) != std::string_view::npos;
  };
  const auto& text = given.text;
  if (text.empty() || text.size() > max_device_name_bytes
      || !is_alphanumeric(text.front())
      || !std::all_of(text.begin(), text.end(), is_allowed))
    refuse_value(given, "a device such as cpu or cuda:0, several separated by "
                        "spaces,");
}

void choose_devices(std::vector<model_setting>& models,
                    const std::vector<model_choice>& choices) {
  for (const auto& choice : choices) {
    auto model = std::find_if(models.begin(), models.end(),
                              [&](auto& m) { return m.name == choice.name; });
    if (!is_model_name(choice.name))
      refuse_value({choice.source, choice.name},
                   fmt::format("a model name ({})", model_name_rule()));
    if (model == models.end())
      throw config_error(fmt::format("{} is {}, but there is no such model; {}",
                                     choice.source, quote(choice.name),
                                     known_models(models)));
    auto devices = choice.devices;
    if (devices.empty())
      devices.emplace_back(); // the server chooses
    for (auto& device : devices) {
      auto& chosen = model->start_devices;
      if (std::find(chosen.begin(), chosen.end(), device) != chosen.end())
        throw config_error(
            device.empty()
                ? fmt::format("model {} is named twice without a device",
                              choice.name)
                : fmt::format("device {} is given twice for model {}", device,
                              choice.name));
      chosen.push_back(std::move(device));
    }
  }
}

} // namespace model_server
