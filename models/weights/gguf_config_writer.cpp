// Takes values from GGUF metadata to JSON.
#include "models/weights/gguf_config_writer.hpp"

#include "models/weights/convert.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace model_server {

namespace {

// As the decimal number that the float was made from.
double shortest(double value) {
  return std::stod(fmt::format("{}", static_cast<float>(value)));
}

} // namespace

gguf_config_writer::gguf_config_writer(const gguf_file& file,
                                       const gguf_traits& traits)
    : file_(file), traits_(traits), document_(rapidjson::kObjectType) {
}

std::string gguf_config_writer::key(std::string_view name) const {
  return fmt::format("{}.{}", traits_.architecture, name);
}

std::optional<std::int64_t>
gguf_config_writer::integer(std::string_view name, std::int64_t least,
                            std::int64_t most) const {
  return file_.metadata().integer(key(name), least, most);
}

std::int64_t gguf_config_writer::require_integer(std::string_view name,
                                                 std::int64_t most) const {
  return file_.metadata().require_integer(key(name), 1, most);
}

std::optional<double> gguf_config_writer::number(std::string_view name,
                                                 double least,
                                                 double most) const {
  auto result = file_.metadata().number(key(name), least, most);
  return result ? std::optional{shortest(*result)} : std::nullopt;
}

std::vector<float> gguf_config_writer::factors(std::string_view tensor,
                                               std::size_t count) const {
  if (file_.find(tensor) == nullptr)
    return {};
  auto result = to_floats(file_.require(tensor, {count}));
  for (auto factor : result)
    if (!(factor >= 1e-6f && factor <= 1e6f))
      throw std::runtime_error(
          fmt::format("{}: tensor `{}` holds {}, factors are from 1e-6 to 1e6",
                      file_.metadata().where(), tensor, factor));
  return result;
}

void gguf_config_writer::set(std::string_view name, rapidjson::Value value) {
  rapidjson::Value key{name.data(),
                       static_cast<rapidjson::SizeType>(name.size()), memory()};
  document_.AddMember(key, value, memory());
}

void gguf_config_writer::set(std::string_view name, std::int64_t value) {
  set(name, rapidjson::Value{value});
}

void gguf_config_writer::set(std::string_view name, double value) {
  set(name, rapidjson::Value{value});
}

void gguf_config_writer::set(std::string_view name, bool value) {
  set(name, rapidjson::Value{value});
}

void gguf_config_writer::set(std::string_view name, std::string_view value) {
  set(name, rapidjson::Value{value.data(),
                             static_cast<rapidjson::SizeType>(value.size()),
                             memory()});
}

void gguf_config_writer::set(std::string_view name, const char* value) {
  set(name, std::string_view{value});
}

void gguf_config_writer::copy_integer(std::string_view from,
                                      std::string_view name) {
  if (auto value = integer(from, 0))
    set(name, *value);
}

void gguf_config_writer::copy_number(std::string_view from,
                                     std::string_view name) {
  if (auto value = number(from))
    set(name, *value);
}

rapidjson::Value gguf_config_writer::list(const std::vector<float>& values) {
  rapidjson::Value result{rapidjson::kArrayType};
  for (auto value : values)
    result.PushBack(shortest(static_cast<double>(value)), memory());
  return result;
}

} // namespace model_server
