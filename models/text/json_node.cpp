// Reads JSON values and says where one is not what it should be.
#include "models/text/json_node.hpp"

#include "models/text/utf8.hpp"

#include <fmt/format.h>

#include <cmath>
#include <stdexcept>
#include <utility>

namespace model_server {

json_node::json_node(const rapidjson::Value& value, std::string path)
    : value_(&value), path_(std::move(path)) {
  // nop
}

void json_node::fail(const std::string& why) const {
  throw std::runtime_error{path_ + ": " + why};
}

void json_node::fail_at(const std::string& place,
                        const std::string& why) const {
  throw std::runtime_error{path_ + place + ": " + why};
}

std::optional<json_node> json_node::find(const char* key) const {
  if (!value_->IsObject())
    fail("is not an object");
  auto* found = find_member(*value_, key);
  if (!found || found->IsNull())
    return std::nullopt;
  return json_node{*found, path_ + "." + key};
}

json_node json_node::get(const char* key) const {
  auto found = find(key);
  if (!found)
    fail(fmt::format("lacks \"{}\"", key));
  return *found;
}

std::vector<json_node> json_node::items() const {
  if (!value_->IsArray())
    fail("is not a list");
  std::vector<json_node> result;
  result.reserve(value_->Size());
  for (auto& each : value_->GetArray())
    result.emplace_back(each, fmt::format("{}[{}]", path_, result.size()));
  return result;
}

bool json_node::is_null() const {
  return value_->IsNull();
}

bool json_node::is_text() const {
  return value_->IsString();
}

bool json_node::is_object() const {
  return value_->IsObject();
}

left_out_value json_node::left_out() const {
  if (!value_->IsArray())
    fail("is not an object");
  auto parts = value_->GetArray();
  return {text_of(parts[0]), parts[1].GetUint64(), parts[2].GetUint64()};
}

left_out_value json_node::left_out_list() const {
  if (!is_left_out_list())
    fail("is not a list");
  return left_out();
}

left_out_value json_node::left_out_object() const {
  auto result = left_out();
  if (!result.text.starts_with('{'))
    fail("is not an object");
  return result;
}

bool json_node::is_left_out_list() const {
  return left_out().text.starts_with('[');
}

std::string_view json_node::text() const {
  if (!value_->IsString())
    fail("is not a string");
  auto result = text_of(*value_);
  if (!is_valid_utf8(result))
    fail("is not UTF-8");
  return result;
}

std::int64_t json_node::integer() const {
  if (!value_->IsInt64())
    fail("is not an integer");
  return value_->GetInt64();
}

double json_node::real() const {
  if (!value_->IsNumber() || !std::isfinite(value_->GetDouble()))
    fail("is not a number");
  return value_->GetDouble();
}

bool json_node::boolean() const {
  if (!value_->IsBool())
    fail("is neither true nor false");
  return value_->GetBool();
}

bool json_node::flag(const char* key, bool otherwise) const {
  auto found = find(key);
  return found ? found->boolean() : otherwise;
}

std::int64_t json_node::number(const char* key, std::int64_t otherwise) const {
  auto found = find(key);
  return found ? found->integer() : otherwise;
}

} // namespace model_server
