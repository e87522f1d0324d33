// Parses whole numbers, durations and flags, and refuses what is out of range.
#include "config/option_values.hpp"

#include "config/entry_params.hpp"
#include "config/quote.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>
#include <utility>

namespace model_server {

namespace {

using std::chrono::milliseconds;

struct unit {
  std::string_view name;
  std::int64_t in_milliseconds;
};

constexpr std::array<unit, 4> units{
    {{"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

} // namespace

void refuse_value(const given_value& given, const std::string& allowed) {
  throw config_error(fmt::format("{} is {}, but {} is needed", given.source,
                                 quote(given.text, 128), allowed));
}

std::uint64_t parse_whole(const given_value& given, std::uint64_t least,
                          std::uint64_t most) {
  std::uint64_t number = 0;
  const auto* end = given.text.data() + given.text.size();
  auto [at, problem] = std::from_chars(given.text.data(), end, number);
  if (problem != std::errc{} || at != end || number < least || number > most)
    refuse_value(given,
                 fmt::format("a whole number from {} to {}", least, most));
  return number;
}

milliseconds parse_duration(const given_value& given, milliseconds least,
                            milliseconds most) {
  double number = 0;
  const auto* end = given.text.data() + given.text.size();
  auto [at, problem] =
      std::from_chars(given.text.data(), end, number, std::chars_format::fixed);
  std::string_view name{at, static_cast<std::size_t>(end - at)};
  if (name.empty())
    name = "s";
  const auto* known = std::find_if(units.begin(), units.end(),
                                   [&](auto& u) { return u.name == name; });
  auto is_duration = problem == std::errc{} && known != units.end()
                     && std::isfinite(number) && number >= 0;
  // Compared as floating point: the product may be beyond any integer.
  auto value =
      is_duration ? number * static_cast<double>(known->in_milliseconds) : -1.0;
  if (value < static_cast<double>(least.count())
      || value > static_cast<double>(most.count()))
    refuse_value(given, fmt::format("a duration from {} to {}, such as 500ms, "
                                    "30s, 2m or a number of seconds,",
                                    show_duration(least), show_duration(most)));
  return milliseconds{std::llround(value)};
}

milliseconds parse_keep_alive(const given_value& given) {
  constexpr auto most = std::chrono::hours{720};
  if (given.text == "-1")
    return for_ever;
  try {
    return parse_duration(given, milliseconds{0}, most);
  } catch (const config_error&) {
    refuse_value(given, fmt::format("a duration from 0s to {}, or -1 for ever,",
                                    show_duration(most)));
  }
}

load_mode parse_load_mode(const given_value& given) {
  if (given.text == "manual")
    return load_mode::manual;
  if (given.text == "on_demand")
    return load_mode::on_demand;
  refuse_value(given, "manual or on_demand");
}

bool parse_flag(const given_value& given) {
  auto text = given.text;
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  for (auto word : {"true", "yes", "on", "1"})
    if (text == word)
      return true;
  for (auto word : {"false", "no", "off", "0"})
    if (text == word)
      return false;
  refuse_value(given, "true or false");
}

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> result;
  constexpr std::string_view separators = " ,\t\n";
  for (;;) {
    text.remove_prefix(
        std::min(text.find_first_not_of(separators), text.size()));
    if (text.empty())
      return result;
    auto end = std::min(text.find_first_of(separators), text.size());
    result.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

std::string show_duration(milliseconds value) {
  auto count = value.count();
  for (const auto& [name, size] : units)
    if (count >= size && count % size == 0)
      return fmt::format("{}{}", count / size, name);
  return "0s";
}

} // namespace model_server
