// causal_lm from the command line, for the programs that measure it.
#pragma once

#include "models/model_catalog.hpp"

#include <charconv>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>

/// What a text stands for in config.json: a whole number, or itself.
inline model_server::param_value value_of(const std::string& text) {
  std::int64_t number = 0;
  auto end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc{} && rest == end)
    return number;
  return text;
}

/// Loads the entry with parameters written as `name=value`. It does not guess
/// ahead unless they say so: a random network soon repeats itself.
inline std::unique_ptr<model_server::model_entry>
load_causal_lm(std::span<const std::string> arguments) {
  model_server::entry_spec spec;
  bool speculates = false;
  for (auto& argument : arguments) {
    auto equals = argument.find('=');
    if (equals == std::string::npos)
      throw std::runtime_error("`" + argument + "` is not NAME=VALUE");
    auto name = argument.substr(0, equals);
    speculates |= name == "speculation";
    spec.params.values.emplace_back(name,
                                    value_of(argument.substr(equals + 1)));
  }
  if (!speculates)
    spec.params.values.emplace_back("speculation", std::string{"off"});
  return model_server::make_entry("causal_lm", spec);
}
