// A model's setting as config.json would have it.
#include "config/model_json.hpp"

#include "config/option_values.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <variant>

namespace model_server {

namespace {

using writer = rapidjson::Writer<rapidjson::StringBuffer>;

void write(writer& out, const std::string& text) {
  out.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

void write(writer& out, const param_value& value) {
  if (const auto* flag = std::get_if<bool>(&value))
    out.Bool(*flag);
  else if (const auto* whole = std::get_if<std::int64_t>(&value))
    out.Int64(*whole);
  else if (const auto* number = std::get_if<double>(&value))
    out.Double(*number);
  else
    write(out, std::get<std::string>(value));
}

} // namespace

std::string to_config_json(const model_setting& model) {
  rapidjson::StringBuffer buffer;
  writer out{buffer};
  out.StartObject();
  write(out, model.name);
  out.StartObject();
  out.Key("name");
  write(out, model.entry);
  if (model.batch_size > 0) {
    out.Key("batch_size");
    out.Uint(model.batch_size);
  }
  if (model.load) {
    out.Key("load");
    out.String(*model.load == load_mode::on_demand ? "on_demand" : "manual");
  }
  if (model.keep_alive) {
    out.Key("keep_alive");
    if (*model.keep_alive == for_ever)
      out.Int(-1);
    else
      write(out, show_duration(*model.keep_alive));
  }
  out.Key("params");
  const auto& params = model.params;
  params.positional ? out.StartArray() : out.StartObject();
  for (const auto& [name, value] : params.values) {
    if (!params.positional)
      write(out, name);
    write(out, value);
  }
  params.positional ? out.EndArray() : out.EndObject();
  out.EndObject();
  out.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

} // namespace model_server
