// What a line of the log looks like, as text or as JSON.
#pragma once

#include "config/settings.hpp"

#include <chrono>
#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace model_server {

/// What a client or a model said: stays out of the log unless asked for.
struct private_text {
  std::string_view text;
};

/// A fact that many lines lack: a line without it does not name it.
struct optional_text {
  std::string_view text;
};

/// The value of a log field. Refers to texts; lives no longer than they.
class log_value {
public:
  log_value(bool flag) : value_(flag) {
    // nop
  }

  template <std::signed_integral Number>
  log_value(Number number) : value_(static_cast<std::int64_t>(number)) {
    // nop
  }

  template <std::unsigned_integral Number>
  requires(!std::same_as<Number, bool>) log_value(Number number)
      : value_(static_cast<std::uint64_t>(number)) {
    // nop
  }

  log_value(double number) : value_(number) {
    // nop
  }

  log_value(std::string_view text) : value_(text) {
    // nop
  }

  log_value(const std::string& text) : value_(std::string_view{text}) {
    // nop
  }

  log_value(const char* text) : value_(std::string_view{text}) {
    // nop
  }

  log_value(private_text text) : value_(text) {
    // nop
  }

  log_value(optional_text text) : value_(text) {
    // nop
  }

  const auto& get() const {
    return value_;
  }

private:
  std::variant<bool, std::int64_t, std::uint64_t, double, std::string_view,
               private_text, optional_text>
      value_;
};

/// One named fact of a log line. The key is ours: lower case and underscores.
struct log_field {
  std::string_view key;
  log_value value;
};

/// One line without its line end. Foreign texts are escaped and cut at 1 KiB
/// (`quote.hpp`); a line is at most 16 KiB, further fields are left out.
std::string format_log_line(const log_settings& how, log_level level,
                            std::chrono::system_clock::time_point time,
                            std::string_view event,
                            std::span<const log_field> fields);

/// `debug`, `info`, `warning`, `error`.
std::string_view to_string(log_level level);

} // namespace model_server
