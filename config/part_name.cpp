// Reads and writes the names of the files of a divided model.
#include "config/part_name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace model_server {

namespace {

// All of it digits.
std::optional<int> number_of(std::string_view text) {
  auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  int result = 0;
  if (!std::ranges::all_of(text, is_digit))
    return std::nullopt;
  std::from_chars(text.data(), text.data() + text.size(), result);
  return result;
}

} // namespace

std::string part_name::file() const {
  return fmt::format("{}-{:05}-of-{:05}.gguf", model, number, count);
}

std::optional<part_name> read_part_name(std::string_view file) {
  constexpr std::string_view pattern = "-00001-of-00001.gguf";
  if (file.size() <= pattern.size())
    return std::nullopt;
  auto end = file.substr(file.size() - pattern.size());
  auto number = number_of(end.substr(1, 5));
  auto count = number_of(end.substr(10, 5));
  if (!end.starts_with('-') || end.substr(6, 4) != "-of-"
      || !end.ends_with(".gguf") || !number || !count || *number < 1
      || *number > *count)
    return std::nullopt;
  return part_name{std::string{file.substr(0, file.size() - pattern.size())},
                   *number, *count};
}

} // namespace model_server
