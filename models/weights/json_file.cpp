// Reads JSON objects and their typed fields.
#include "models/weights/json_file.hpp"

#include "config/exact_json.hpp"
#include "models/weights/mapped_file.hpp"

#include <fmt/format.h>
#include <rapidjson/encodedstream.h>
#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cmath>
#include <stdexcept>
#include <utility>

namespace model_server {

namespace {

// A value as an error shows it: scalars as they are, the rest by its kind.
std::string shown(const rapidjson::Value& value) {
  if (value.IsObject())
    return "an object";
  if (value.IsArray())
    return "a list";
  rapidjson::StringBuffer buffer;
  rapidjson::Writer writer{buffer};
  value.Accept(writer);
  std::string result = buffer.GetString();
  if (result.size() > 80)
    result = result.substr(0, 77) + "...";
  return result;
}

} // namespace

rapidjson::Document parse_json_object(std::string_view text,
                                      const std::string& where) {
  rapidjson::MemoryStream bytes{text.data(), text.size()};
  // Passes by a byte order mark.
  rapidjson::EncodedInputStream<rapidjson::UTF8<>, rapidjson::MemoryStream>
      stream{bytes};
  rapidjson::Document result;
  auto parsed =
      parse_exactly<rapidjson::kParseIterativeFlag
                    | rapidjson::kParseValidateEncodingFlag>(result, stream);
  if (parsed.IsError())
    throw std::runtime_error(
        fmt::format("{}: not JSON at byte {}: {}", where, parsed.Offset(),
                    rapidjson::GetParseError_En(parsed.Code())));
  if (!result.IsObject())
    throw std::runtime_error(fmt::format("{}: not a JSON object", where));
  return result;
}

rapidjson::Document read_json_file(const std::filesystem::path& path,
                                   std::size_t max_bytes) {
  mapped_file file{path};
  auto bytes = file.bytes();
  if (bytes.size() > max_bytes)
    throw std::runtime_error(fmt::format(
        "{}: {} bytes, more than {}", path.string(), bytes.size(), max_bytes));
  return parse_json_object(
      {reinterpret_cast<const char*>(bytes.data()), bytes.size()},
      path.string());
}

config_fields::config_fields(const rapidjson::Value& object, std::string where)
    : object_(&object), where_(std::move(where)) {
}

bool config_fields::has(const char* key) const {
  return object_->HasMember(key);
}

const rapidjson::Value* config_fields::find(const char* key) const {
  auto found = object_->FindMember(key);
  if (found == object_->MemberEnd() || found->value.IsNull())
    return nullptr;
  return &found->value;
}

std::optional<bool> config_fields::boolean(const char* key) const {
  auto value = find(key);
  if (value == nullptr)
    return std::nullopt;
  if (!value->IsBool())
    refuse(key, "must be true or false");
  return value->GetBool();
}

std::optional<std::int64_t> config_fields::integer(const char* key,
                                                   std::int64_t least,
                                                   std::int64_t most) const {
  auto value = find(key);
  if (value == nullptr)
    return std::nullopt;
  if (!value->IsInt64() || value->GetInt64() < least
      || value->GetInt64() > most)
    refuse(key,
           fmt::format("must be a whole number from {} to {}", least, most));
  return value->GetInt64();
}

std::int64_t config_fields::require_integer(const char* key, std::int64_t least,
                                            std::int64_t most) const {
  auto result = integer(key, least, most);
  if (!result)
    throw std::runtime_error(fmt::format("{}: `{}` is missing", where_, key));
  return *result;
}

std::optional<double> config_fields::number(const char* key, double least,
                                            double most) const {
  auto value = find(key);
  if (value == nullptr)
    return std::nullopt;
  if (!value->IsNumber() || !std::isfinite(value->GetDouble())
      || value->GetDouble() < least || value->GetDouble() > most)
    refuse(key, fmt::format("must be a number from {} to {}", least, most));
  return value->GetDouble();
}

std::optional<std::string> config_fields::text(const char* key) const {
  auto value = find(key);
  if (value == nullptr)
    return std::nullopt;
  if (!value->IsString())
    refuse(key, "must be a string");
  return std::string{value->GetString(), value->GetStringLength()};
}

std::optional<config_fields> config_fields::object(const char* key) const {
  auto value = find(key);
  if (value == nullptr)
    return std::nullopt;
  if (!value->IsObject())
    refuse(key, "must be an object");
  return config_fields{*value, fmt::format("{}: {}", where_, key)};
}

void config_fields::refuse(const char* key, std::string_view reason) const {
  auto value = find(key);
  throw std::runtime_error(
      fmt::format("{}: `{}` is {}, {}", where_, key,
                  value == nullptr ? "missing" : shown(*value), reason));
}

} // namespace model_server
