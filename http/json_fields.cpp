// Checks types and ranges of JSON fields.
#include "http/json_fields.hpp"

#include "config/quote.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace model_server {

namespace {

/// Whole numbers may be written as 3 or as 3.0, up to 2^53.
std::optional<double> whole_number(const rapidjson::Value& value) {
  if (!value.IsNumber())
    return std::nullopt;
  auto number = value.GetDouble();
  if (std::trunc(number) != number)
    return std::nullopt;
  return number;
}

std::string shown_number(const rapidjson::Value& value) {
  if (value.IsUint64())
    return fmt::format("{}", value.GetUint64());
  if (value.IsInt64())
    return fmt::format("{}", value.GetInt64());
  return fmt::format("{}", value.GetDouble());
}

} // namespace

std::string_view type_name(const rapidjson::Value& value) {
  switch (value.GetType()) {
  case rapidjson::kNullType:
    return "null";
  case rapidjson::kFalseType:
  case rapidjson::kTrueType:
    return "a boolean";
  case rapidjson::kObjectType:
    return "an object";
  case rapidjson::kArrayType:
    return "a list";
  case rapidjson::kStringType:
    return "a string";
  case rapidjson::kNumberType:
    return "a number";
  }
  return "something else";
}

json_fields::json_fields(const rapidjson::Value& object, std::string path,
                         std::optional<error_reply>& error)
    : object_(object), path_(std::move(path)), error_(error) {
  if (!object_.IsObject() && !error_)
    error_ = bad_request("wrong_type",
                         fmt::format("{} is {}, not an object",
                                     path_.empty() ? "the body" : path_,
                                     type_name(object_)),
                         path_);
}

void json_fields::allow(std::initializer_list<std::string_view> names) {
  if (error_)
    return;
  for (const auto& member : object_.GetObject()) {
    std::string_view name{member.name.GetString(),
                          member.name.GetStringLength()};
    if (std::ranges::find(names, name) != names.end())
      continue;
    std::string shown;
    append_escaped(shown, name, 64);
    auto known = std::string{};
    for (auto each : names)
      known.append(known.empty() ? "" : ", ").append(each);
    refuse(shown, "unknown_field",
           fmt::format("unknown field \"{}\"{}", shown,
                       known.empty() ? "; no fields are taken here"
                                     : "; known are: " + known));
    return;
  }
}

const rapidjson::Value* json_fields::find(std::string_view name) const {
  if (error_)
    return nullptr;
  auto found = object_.FindMember(rapidjson::Value{rapidjson::StringRef(
      name.data(), static_cast<rapidjson::SizeType>(name.size()))});
  if (found == object_.MemberEnd() || found->value.IsNull())
    return nullptr;
  return &found->value;
}

std::optional<double> json_fields::number(std::string_view name,
                                          number_range range) {
  const auto* value = find(name);
  if (!value)
    return std::nullopt;
  if (!value->IsNumber())
    return refuse_type(name, *value, "a number"), std::nullopt;
  auto number = value->GetDouble();
  auto is_too_small =
      range.is_open ? number <= range.least : number < range.least;
  if (is_too_small || number > range.most)
    return refuse(name, "out_of_range",
                  fmt::format("{} is {}; it must be {} {}, and at most {}",
                              path_of(name), shown_number(*value),
                              range.is_open ? "above" : "at least", range.least,
                              range.most)),
           std::nullopt;
  return number;
}

std::optional<std::uint64_t> json_fields::integer(std::string_view name,
                                                  std::uint64_t least,
                                                  std::uint64_t most) {
  const auto* value = find(name);
  if (!value)
    return std::nullopt;
  if (!whole_number(*value))
    return refuse_type(name, *value, "a whole number"), std::nullopt;
  // As a double first: it holds every number, if not exactly.
  auto number = value->GetDouble();
  auto is_in_range =
      value->IsUint64()
          ? value->GetUint64() >= least && value->GetUint64() <= most
          : number >= static_cast<double>(least)
                && number <= static_cast<double>(most);
  if (!is_in_range)
    return refuse(name, "out_of_range",
                  fmt::format("{} is {}; it must be {} to {}", path_of(name),
                              shown_number(*value), least, most)),
           std::nullopt;
  return value->IsUint64() ? value->GetUint64()
                           : static_cast<std::uint64_t>(number);
}

std::optional<bool> json_fields::boolean(std::string_view name) {
  const auto* value = find(name);
  if (!value)
    return std::nullopt;
  if (!value->IsBool())
    return refuse_type(name, *value, "true or false"), std::nullopt;
  return value->GetBool();
}

std::optional<std::string> json_fields::text(std::string_view name) {
  const auto* value = find(name);
  if (!value)
    return std::nullopt;
  if (!value->IsString())
    return refuse_type(name, *value, "a string"), std::nullopt;
  return std::string{value->GetString(), value->GetStringLength()};
}

void json_fields::refuse(std::string_view name, std::string code,
                         std::string message) {
  if (!error_)
    error_ = bad_request(std::move(code), std::move(message), path_of(name));
}

void json_fields::refuse_type(std::string_view name,
                              const rapidjson::Value& value,
                              std::string_view wanted) {
  auto found =
      value.IsNumber() ? shown_number(value) : std::string{type_name(value)};
  refuse(name, "wrong_type",
         fmt::format("{} is {}, not {}", path_of(name), found, wanted));
}

std::string json_fields::path_of(std::string_view name) const {
  if (path_.empty())
    return std::string{name};
  return fmt::format("{}.{}", path_, name);
}

} // namespace model_server
