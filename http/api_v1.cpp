// Values to JSON and back, in the dialect of /api/v1.
#include "http/api_v1.hpp"

#include "config/model_choice.hpp"
#include "http/json.hpp"
#include "http/json_fields.hpp"
#include "http/logprobs_json.hpp"

#include <fmt/format.h>

#include <utility>

namespace model_server {

namespace {

void write_usage(json_text& out, const reply_summary& summary) {
  out.key("usage").begin_object();
  out.key("prompt_tokens").number(summary.prompt_tokens);
  out.key("completion_tokens").number(summary.completion_tokens);
  out.key("cached_tokens").number(summary.cached_tokens);
  out.end_object();
}

void write_entity(json_text& out, const entity_status& entity) {
  out.begin_object();
  out.key("device").text(entity.device);
  out.key("node").text(entity.node);
  out.key("state").text(to_string(entity.state));
  out.key("running").number(entity.running);
  out.key("waiting").number(entity.waiting);
  out.key("tokens_per_second").number(entity.tokens_per_second);
  out.key("restarts").number(entity.restarts);
  if (!entity.reason.empty())
    out.key("reason").text(entity.reason);
  out.end_object();
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

std::string status_json(const server_status& status) {
  json_text out;
  out.begin_object().key("models").begin_object();
  for (const auto& model : status.models) {
    out.key(model.name).begin_object();
    out.key("entry").text(model.entry);
    out.key("state").text(to_string(model.state));
    out.key("batch_size").number(model.batch_size);
    out.key("entities").begin_list();
    for (const auto& entity : model.entities)
      write_entity(out, entity);
    out.end_list().end_object();
  }
  out.end_object().end_object();
  return out.str();
}

std::string reply_json(std::string_view call_id, std::string_view model,
                       std::string_view text,
                       std::optional<std::span<const token>> logprobs,
                       const reply_summary& summary) {
  json_text out;
  out.begin_object();
  out.key("id").text(call_id);
  out.key("model").text(model);
  out.key("message").begin_object();
  out.key("role").text("agent").key("content").text(text);
  out.end_object();
  if (logprobs) {
    out.key("logprobs");
    write_logprobs(out, *logprobs);
  }
  out.key("finish_reason").text(to_string(summary.finish));
  out.key("seed").number(summary.seed);
  out.key("device").text(summary.device);
  write_usage(out, summary);
  out.end_object();
  return out.str();
}

std::string delta_json(std::string_view call_id, std::string_view text,
                       std::span<const token> tokens, bool is_first) {
  json_text out;
  out.begin_object().key("id").text(call_id).key("delta").begin_object();
  if (is_first)
    out.key("role").text("agent");
  out.key("content").text(text).end_object();
  if (!tokens.empty()) {
    out.key("logprobs");
    write_logprobs(out, tokens);
  }
  out.key("finish_reason").null().end_object();
  return out.str();
}

std::string finish_json(std::string_view call_id, const reply_summary& summary,
                        bool is_first) {
  json_text out;
  out.begin_object().key("id").text(call_id).key("delta").begin_object();
  if (is_first)
    out.key("role").text("agent").key("content").text("");
  out.end_object();
  out.key("finish_reason").text(to_string(summary.finish));
  write_usage(out, summary);
  out.key("seed").number(summary.seed);
  out.key("device").text(summary.device);
  out.end_object();
  return out.str();
}

// -- the format ---------------------------------------------------------------

namespace {

std::string event(std::uint64_t id, std::string_view data) {
  return fmt::format("id: {}\ndata: {}\n\n", id, data);
}

} // namespace

api_v1_format::api_v1_format(std::string call_id, std::string model,
                             bool with_logprobs)
    : call_id_(std::move(call_id)),
      model_(std::move(model)),
      with_logprobs_(with_logprobs) {
  // nop
}

std::string api_v1_format::whole(std::string_view text,
                                 std::span<const token> tokens,
                                 const reply_summary& summary) {
  auto logprobs = with_logprobs_ ? std::optional{tokens} : std::nullopt;
  return reply_json(call_id_, model_, text, logprobs, summary);
}

std::string api_v1_format::opening() {
  return {}; // the role comes with the first text
}

std::string api_v1_format::piece(std::string_view text, std::uint64_t last,
                                 std::span<const token> tokens) {
  return event(last, delta_json(call_id_, text, tokens,
                                std::exchange(is_first_, false)));
}

std::string api_v1_format::ending(const reply_summary& summary) {
  return event(summary.completion_tokens,
               finish_json(call_id_, summary, is_first_));
}

} // namespace model_server
