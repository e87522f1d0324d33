// Pairs the params of config.json with what an entry takes, and types them.
#include "config/entry_params.hpp"

#include "config/quote.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <system_error>

namespace model_server {

namespace {

std::string shown(const param_value& value) {
  struct {
    std::string operator()(bool flag) const {
      return flag ? "true" : "false";
    }
    std::string operator()(std::int64_t number) const {
      return fmt::format("{}", number);
    }
    std::string operator()(double number) const {
      return fmt::format("{}", number);
    }
    std::string operator()(const std::string& text) const {
      return quote(text);
    }
  } show;
  return std::visit(show, value);
}

[[noreturn]] void refuse(std::string_view name, const param_value& value,
                         std::string_view allowed) {
  throw config_error(fmt::format("parameter {} is {}, but {} is needed",
                                 quote(name), shown(value), allowed));
}

// `512M` and the like; nothing for anything else, or for more than there is.
std::optional<std::size_t> read_bytes(std::string_view text) {
  std::size_t number = 0;
  auto end = text.data() + text.size();
  auto [place, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{})
    return std::nullopt;
  constexpr std::string_view units = "KMG";
  int shift = 0;
  if (place != end) {
    auto unit = units.find(*place++);
    if (unit == std::string_view::npos)
      return std::nullopt;
    shift = 10 * (static_cast<int>(unit) + 1);
  }
  auto most = std::numeric_limits<std::int64_t>::max();
  if (place != end || number > static_cast<std::size_t>(most >> shift))
    return std::nullopt;
  return number << shift;
}

} // namespace

named_params
entry_params::bind(std::initializer_list<std::string_view> names) const {
  named_params result;
  if (positional && values.size() > names.size()) {
    auto taken = names.size() == 0
                     ? std::string{"none is taken"}
                     : fmt::format("at most {} are taken: {}", names.size(),
                                   fmt::join(names, ", "));
    auto given = values.size() == 1
                     ? std::string{"1 parameter was given"}
                     : fmt::format("{} parameters were given", values.size());
    throw config_error(fmt::format("{}, but {}", given, taken));
  }
  auto position = names.begin();
  for (const auto& [given_name, value] : values) {
    std::string name{positional ? *position++ : std::string_view{given_name}};
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      auto known = names.size() == 0
                       ? std::string{"none is taken"}
                       : fmt::format("known are {}", fmt::join(names, ", "));
      throw config_error(
          fmt::format("there is no parameter {}; {}", quote(name), known));
    }
    if (result.has(name))
      throw config_error(
          fmt::format("parameter {} is given twice", quote(name)));
    result.values_.emplace_back(std::move(name), value);
  }
  return result;
}

bool named_params::has(std::string_view name) const {
  return find(name) != nullptr;
}

std::string named_params::require_string(std::string_view name) const {
  if (!has(name))
    throw config_error(fmt::format("parameter {} is missing", quote(name)));
  return string_or(name, {});
}

std::string named_params::string_or(std::string_view name,
                                    std::string fallback) const {
  const auto* value = find(name);
  if (value == nullptr)
    return fallback;
  if (const auto* text = std::get_if<std::string>(value))
    return *text;
  refuse(name, *value, "a text");
}

std::string named_params::require_file(std::string_view name) const {
  auto result = require_string(name);
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(result, ignored))
    throw config_error(
        fmt::format("parameter {} is {}, but there is no such file",
                    quote(name), quote(result)));
  return result;
}

std::string named_params::require_folder(std::string_view name) const {
  auto result = require_string(name);
  std::error_code ignored;
  if (!std::filesystem::is_directory(result, ignored))
    throw config_error(
        fmt::format("parameter {} is {}, but there is no such folder",
                    quote(name), quote(result)));
  return result;
}

bool named_params::bool_or(std::string_view name, bool fallback) const {
  const auto* value = find(name);
  if (value == nullptr)
    return fallback;
  if (const auto* flag = std::get_if<bool>(value))
    return *flag;
  refuse(name, *value, "true or false");
}

std::int64_t named_params::integer_or(std::string_view name,
                                      std::int64_t fallback, std::int64_t least,
                                      std::int64_t most) const {
  const auto* value = find(name);
  if (value == nullptr)
    return fallback;
  const auto* number = std::get_if<std::int64_t>(value);
  if (number == nullptr)
    refuse(name, *value, "a whole number");
  if (*number < least || *number > most)
    refuse(name, *value,
           fmt::format("a whole number from {} to {}", least, most));
  return *number;
}

std::size_t named_params::bytes_or(std::string_view name,
                                   std::size_t fallback) const {
  const auto* value = find(name);
  if (value == nullptr)
    return fallback;
  std::optional<std::size_t> bytes;
  if (const auto* text = std::get_if<std::string>(value))
    bytes = read_bytes(*text);
  else if (const auto* number = std::get_if<std::int64_t>(value))
    bytes = static_cast<std::size_t>(std::max<std::int64_t>(*number, 0));
  if (!bytes || *bytes == 0)
    refuse(name, *value, "a number of bytes like 1048576 or \"512M\"");
  return *bytes;
}

double named_params::number_or(std::string_view name, double fallback) const {
  const auto* value = find(name);
  if (value == nullptr)
    return fallback;
  if (const auto* number = std::get_if<double>(value))
    return *number;
  if (const auto* number = std::get_if<std::int64_t>(value))
    return static_cast<double>(*number);
  refuse(name, *value, "a number");
}

const param_value* named_params::find(std::string_view name) const {
  for (const auto& [known, value] : values_)
    if (known == name)
      return &value;
  return nullptr;
}

} // namespace model_server
