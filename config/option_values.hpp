// Turns the text of an option or an environment variable into a value.
#pragma once

#include "config/settings.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace model_server {

/// The text given for a setting, and where.
struct given_value {
  /// `--port` or `MODEL_SERVER_PORT`, for error sentences.
  std::string source;
  std::string text;
};

/// A whole number in decimal. Throws `config_error` that names source, value
/// and range.
std::uint64_t parse_whole(const given_value& given, std::uint64_t least,
                          std::uint64_t most);

/// `500ms`, `30s`, `1.5m`, `2h`, or a plain number of seconds. Throws as above.
std::chrono::milliseconds parse_duration(const given_value& given,
                                         std::chrono::milliseconds least,
                                         std::chrono::milliseconds most);

/// The same from 0s to 720h, or -1 for `for_ever`.
std::chrono::milliseconds parse_keep_alive(const given_value& given);

/// `true`, `yes`, `on`, `1` and their opposites, in any case. Throws as above.
bool parse_flag(const given_value& given);

/// The words of a list, between spaces or commas.
std::vector<std::string> split_words(std::string_view text);

/// `manual` or `on_demand`. Throws as above.
load_mode parse_load_mode(const given_value& given);

/// The shortest form that `parse_duration` reads: `500ms`, `30s`, `10m`, `24h`.
std::string show_duration(std::chrono::milliseconds value);

/// Throws the `config_error` for a value that is not `allowed`.
[[noreturn]] void refuse_value(const given_value& given,
                               const std::string& allowed);

} // namespace model_server
