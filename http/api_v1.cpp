// Values to JSON and back, in the dialect of /api/v1.
#include "http/api_v1.hpp"

#include "config/model_choice.hpp"
#include "http/json.hpp"
#include "http/json_fields.hpp"

#include <fmt/format.h>

namespace model_server {

namespace {

void write_entity(json_text& out, const entity_status& entity) {
  out.begin_object();
  out.key("device").text(entity.device);
  out.key("node").text(entity.node);
  out.key("state").text(to_string(entity.state));
  out.key("running").number(entity.running);
  out.key("waiting").number(entity.waiting);
  out.key("tokens_per_second").number(entity.tokens_per_second);
  out.key("restarts").number(entity.restarts);
  out.key("on_demand").boolean(entity.is_on_demand);
  if (entity.state == entity_state::loading)
    out.key("progress").number(entity.loaded);
  if (entity.state == entity_state::ready)
    out.key("resume").text(entity.is_exact ? "exact" : "coherent");
  if (!entity.reason.empty())
    out.key("reason").text(entity.reason);
  out.end_object();
}

double seconds(std::int64_t milliseconds) {
  return static_cast<double>(milliseconds) / 1000;
}

void write_lifecycle(json_text& out, const model_status& model) {
  out.key("load").text(model.loads_on_demand ? "on_demand" : "manual");
  out.key("keep_alive")
      .number(model.keep_alive < 0 ? -1.0 : seconds(model.keep_alive));
  out.key("idle_seconds");
  if (model.idle < 0)
    out.null();
  else
    out.number(seconds(model.idle));
  if (model.is_removed)
    out.key("removed").boolean(true);
}

} // namespace

// -- in -----------------------------------------------------------------------

std::variant<device_request, error_reply>
read_device_request(std::string_view body, bool takes_wait) {
  rapidjson::Document document;
  if (auto error = parse_json(body.empty() ? "{}" : body, document))
    return *error;
  std::optional<error_reply> error;
  json_fields fields{document, "", error};
  if (takes_wait)
    fields.allow({"device", "wait"});
  else
    fields.allow({"device"});
  device_request result;
  result.device = fields.text("device").value_or("");
  if (auto size = result.device.size(); size > max_device_name_bytes)
    fields.refuse("device", "out_of_range",
                  fmt::format("device has {} bytes, the limit is {}", size,
                              max_device_name_bytes));
  result.wait = fields.boolean("wait").value_or(true);
  if (error)
    return *error;
  return result;
}

std::optional<error_reply> check_empty_body(std::string_view body) {
  rapidjson::Document document;
  if (auto error = parse_json(body.empty() ? "{}" : body, document))
    return error;
  std::optional<error_reply> error;
  json_fields{document, "", error}.allow({});
  return error;
}

// -- out ----------------------------------------------------------------------

std::string device_report_json(device_change what, std::string_view model,
                               const device_report& report) {
  json_text out;
  out.begin_object();
  out.key("model").text(model);
  out.key("device").text(report.device);
  if (what == device_change::remove)
    out.key("moved_replies").number(report.moved_replies);
  else
    out.key("state").text(to_string(report.state));
  if (what == device_change::activate)
    out.key("unchanged").boolean(report.unchanged);
  out.end_object();
  return out.str();
}

std::string reload_report_json(const reload_report& report) {
  json_text out;
  auto write = [&](std::string_view key,
                   const std::vector<std::string>& names) {
    out.key(key).begin_list();
    for (const auto& name : names)
      out.text(name);
    out.end_list();
  };
  out.begin_object();
  write("added", report.added);
  write("removed", report.removed);
  write("changed", report.changed);
  write("unchanged", report.unchanged);
  out.end_object();
  return out.str();
}

std::string status_json(const server_status& status) {
  json_text out;
  out.begin_object().key("models").begin_object();
  for (const auto& model : status.models) {
    out.key(model.name).begin_object();
    out.key("entry").text(model.entry);
    out.key("state").text(to_string(model.state));
    out.key("batch_size").number(model.batch_size);
    write_lifecycle(out, model);
    out.key("entities").begin_list();
    for (const auto& entity : model.entities)
      write_entity(out, entity);
    out.end_list().end_object();
  }
  out.end_object().key("nodes").begin_list();
  for (const auto& node : status.nodes) {
    out.begin_object().key("name").text(node.name).key("devices").begin_list();
    for (const auto& device : node.devices)
      out.text(device);
    out.end_list().end_object();
  }
  out.end_list().end_object();
  return out.str();
}

} // namespace model_server
