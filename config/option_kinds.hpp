// Kinds of options: how each is described, checked and stored. For the table
// alone. `field` gives a reference into the settings.
#pragma once

#include "config/option_table.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace model_server {

/// A whole number, stored in what `field` refers to.
template <class Field>
option_line whole(std::string name, std::string help, std::uint64_t least,
                  std::uint64_t most, Field field) {
  settings defaults;
  auto limits = fmt::format("{} to {}, default {}", least, most,
                            static_cast<std::uint64_t>(field(defaults)));
  return {std::move(name), "N", std::move(help), std::move(limits),
          [=](launch_options& options, const given_value& given) {
            auto& target = field(options.values);
            using type = std::remove_reference_t<decltype(target)>;
            target = static_cast<type>(parse_whole(given, least, most));
          }};
}

/// A duration, stored likewise.
template <class Field>
option_line duration(std::string name, std::string help,
                     std::chrono::milliseconds least,
                     std::chrono::milliseconds most, Field field) {
  settings defaults;
  auto limits =
      fmt::format("{} to {}, default {}", show_duration(least),
                  show_duration(most), show_duration(field(defaults)));
  return {std::move(name), "TIME", std::move(help), std::move(limits),
          [=](launch_options& options, const given_value& given) {
            field(options.values) = parse_duration(given, least, most);
          }};
}

/// One of a few words, each with its value.
template <class T, std::size_t N, class Field>
option_line choice(std::string name, std::string help,
                   std::array<std::pair<std::string_view, T>, N> words,
                   Field field) {
  settings defaults;
  std::string allowed;
  std::string current;
  for (std::size_t i = 0; i < N; ++i) {
    allowed += i == 0 ? "" : i + 1 == N ? " or " : ", ";
    allowed += words[i].first;
    if (words[i].second == field(defaults))
      current = words[i].first;
  }
  auto limits = fmt::format("{}, default {}", allowed, current);
  return {std::move(name), "WORD", std::move(help), std::move(limits),
          [=](launch_options& options, const given_value& given) {
            for (const auto& [word, value] : words) {
              if (given.text == word) {
                field(options.values) = value;
                return;
              }
            }
            refuse_value(given, allowed);
          }};
}

inline void set_path(std::string& target, const given_value& given) {
  if (given.text.empty())
    refuse_value(given, "a path");
  target = given.text;
}

/// A path that is not empty.
template <class Field>
option_line file_path(std::string name, std::string help, Field field) {
  return {std::move(name), "FILE", std::move(help), "default none",
          [=](auto& o, auto& given) { set_path(field(o.values), given); }};
}

/// On or off.
template <class Field>
option_line flag(std::string name, std::string help, Field field) {
  return {std::move(name), "", std::move(help), "default off",
          [=](auto& o, auto& given) { field(o.values) = parse_flag(given); }};
}

} // namespace model_server
