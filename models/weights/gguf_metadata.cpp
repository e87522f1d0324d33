// Finds values of GGUF metadata and checks them.
#include "models/weights/gguf_metadata.hpp"

#include "models/text/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace model_server {

namespace {

// A value as an error shows it.
std::string shown(const gguf_value& value) {
  if (value.is_array)
    return fmt::format("an array of {} {}", value.count, to_string(value.type));
  gguf_elements elements{value};
  switch (value.type) {
  case gguf_type::string: {
    auto text = repair_utf8(elements.next_string().substr(0, 80));
    return fmt::format("\"{}\"", text);
  }
  case gguf_type::boolean:
    return elements.next_integer() != 0 ? "true" : "false";
  case gguf_type::f32:
  case gguf_type::f64:
    return fmt::format("{}", elements.next_number());
  default:
    return fmt::format("{}", elements.next_integer());
  }
}

} // namespace

gguf_metadata::gguf_metadata(std::vector<pair> pairs, std::string where)
    : pairs_(std::move(pairs)), where_(std::move(where)) {
  std::ranges::sort(pairs_, {}, &pair::first);
  auto twice = std::ranges::adjacent_find(pairs_, {}, &pair::first);
  if (twice != pairs_.end())
    throw std::runtime_error(
        fmt::format("{}: key `{}` is there twice", where_, twice->first));
}

const gguf_value* gguf_metadata::find(std::string_view key) const {
  auto found = std::ranges::lower_bound(pairs_, key, {}, &pair::first);
  return found == pairs_.end() || found->first != key ? nullptr
                                                      : &found->second;
}

std::optional<bool> gguf_metadata::boolean(std::string_view key) const {
  auto value = find(key);
  if (value == nullptr)
    return std::nullopt;
  if (value->is_array || value->type != gguf_type::boolean)
    refuse(key, "must be true or false");
  return gguf_elements{*value}.next_integer() != 0;
}

std::optional<std::int64_t> gguf_metadata::integer(std::string_view key,
                                                   std::int64_t least,
                                                   std::int64_t most) const {
  auto value = find(key);
  if (value == nullptr)
    return std::nullopt;
  auto is_fine = !value->is_array && is_integer(value->type);
  auto result = is_fine ? gguf_elements{*value}.next_integer() : 0;
  if (!is_fine || result < least || result > most)
    refuse(key,
           fmt::format("must be a whole number from {} to {}", least, most));
  return result;
}

std::int64_t gguf_metadata::require_integer(std::string_view key,
                                            std::int64_t least,
                                            std::int64_t most) const {
  auto result = integer(key, least, most);
  if (!result)
    throw std::runtime_error(fmt::format("{}: `{}` is missing", where_, key));
  return *result;
}

std::optional<double> gguf_metadata::number(std::string_view key, double least,
                                            double most) const {
  auto value = find(key);
  if (value == nullptr)
    return std::nullopt;
  auto is_fine = !value->is_array && value->type != gguf_type::string
                 && value->type != gguf_type::boolean;
  auto result = is_fine ? gguf_elements{*value}.next_number() : 0.0;
  if (!is_fine || !std::isfinite(result) || result < least || result > most)
    refuse(key, fmt::format("must be a number from {} to {}", least, most));
  return result;
}

std::optional<std::string_view>
gguf_metadata::text(std::string_view key) const {
  auto value = find(key);
  if (value == nullptr)
    return std::nullopt;
  if (value->is_array || value->type != gguf_type::string)
    refuse(key, "must be a string");
  auto result = gguf_elements{*value}.next_string();
  if (!is_valid_utf8(result))
    refuse(key, "must be UTF-8");
  return result;
}

std::string_view gguf_metadata::require_text(std::string_view key) const {
  auto result = text(key);
  if (!result)
    throw std::runtime_error(fmt::format("{}: `{}` is missing", where_, key));
  return *result;
}

const gguf_value* gguf_metadata::find_array(std::string_view key) const {
  auto value = find(key);
  if (value != nullptr && !value->is_array)
    refuse(key, "must be an array");
  return value;
}

std::optional<gguf_value> gguf_metadata::strings(std::string_view key) const {
  auto value = find_array(key);
  if (value == nullptr)
    return std::nullopt;
  if (value->type != gguf_type::string)
    refuse(key, "must be an array of strings");
  return *value;
}

std::optional<gguf_value> gguf_metadata::integers(std::string_view key) const {
  auto value = find_array(key);
  if (value == nullptr)
    return std::nullopt;
  if (!is_integer(value->type) && value->type != gguf_type::boolean)
    refuse(key, "must be an array of whole numbers");
  return *value;
}

std::optional<gguf_value> gguf_metadata::numbers(std::string_view key) const {
  auto value = find_array(key);
  if (value == nullptr)
    return std::nullopt;
  if (value->type == gguf_type::string || value->type == gguf_type::boolean)
    refuse(key, "must be an array of numbers");
  return *value;
}

void gguf_metadata::refuse(std::string_view key,
                           std::string_view reason) const {
  auto value = find(key);
  throw std::runtime_error(
      fmt::format("{}: `{}` is {}, {}", where_, key,
                  value == nullptr ? "missing" : shown(*value), reason));
}

} // namespace model_server
